"""Haiku's modules, each a thin shell around a function of numerics/."""
