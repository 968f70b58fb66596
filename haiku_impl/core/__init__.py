"""The one mechanism: frames, and what is read, written and named through them."""
