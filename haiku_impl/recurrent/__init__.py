"""Haiku's recurrent cores, their wrappers and their unrolling."""
