"""Tests of sonnax.cli."""
