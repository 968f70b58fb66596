"""Tests of the repository: documents, examples in docstrings, packaging."""
