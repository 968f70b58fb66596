"""Tests of sonnax.rlax_impl."""
