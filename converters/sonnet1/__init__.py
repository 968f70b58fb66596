"""How Sonnet 1 named variables and laid them out."""
