"""Runs a model in a process of its own, and records all that its modules compute.

This folder stands by itself: it needs NumPy, and TensorFlow and Sonnet for a Sonnet
model, but not sonnax. It runs on Python 3.8 and newer, so that the environment of an
old model can record it:

    python -m recorder legacy_model.py:build --input batch.npz --output recording

with this folder copied to where that is run, or `sonnax record --python`.
"""
