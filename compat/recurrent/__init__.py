"""Sonnet's recurrent cores and their unrolling."""
