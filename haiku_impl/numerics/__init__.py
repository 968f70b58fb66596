"""The mathematics of every layer as pure functions on arrays, written once.

A Haiku module and a Sonnet module are two shells around these functions: they
differ in names, defaults, initial values and the layout of their variables,
never in the arithmetic. Nothing here reads a frame, creates a variable or draws
a random key, so every function can be called, jitted and differentiated alone.
"""
