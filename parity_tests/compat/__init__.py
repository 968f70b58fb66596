"""Tests of sonnax.compat."""
