"""Sonnet's layers, each a thin shell around a function of haiku_impl's numerics."""
