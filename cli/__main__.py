"""`python -m sonnax.cli` is the `sonnax` command."""

from .main import main

main(prog_name="sonnax")
