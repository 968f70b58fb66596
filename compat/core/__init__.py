"""Variables and modules, their names, and how they are found."""
