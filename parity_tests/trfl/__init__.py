"""TRFL beside sonnax.compat.trfl."""
