"""Fuzz targets: bytes that must be read, or refused with an error of the family.

`make fuzz` runs them for as long as one likes, guided by coverage; `make test` runs
their seeds and some thousand mutations of them.
"""
