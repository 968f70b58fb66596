"""Tests of sonnax.haiku_impl."""
