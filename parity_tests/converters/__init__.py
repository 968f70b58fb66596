"""Tests of sonnax.converters."""
