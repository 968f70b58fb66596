"""`python -m sonnax` is the `sonnax` command."""

from .cli.main import main

main(prog_name="sonnax")
