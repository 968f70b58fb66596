"""The sonnax command."""
