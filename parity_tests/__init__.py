"""The proof: the real libraries running beside sonnax."""
