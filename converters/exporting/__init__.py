"""Checkpoints as files of other formats, and their differences."""
