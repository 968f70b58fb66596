"""Mutation testing: which small faults do the tests see?

`make mutants` records which tests reach which line (`reach`), draws faults by a seed
from named operators (`operators`), plants one after the other in forks of a process
that has collected all tests (`planting`, `plugin`), and writes the score (`score`).
"""
