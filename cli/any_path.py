"""Arguments that are paths, taken as they are."""

import os
from typing import Any

import click


class AnyPath(click.Path):
    """A path that the shell completes, and that its reader or writer looks at first.

    click would ask the operating system about it, and passes on what that raises of a
    path that no file can have.
    """

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Returns the path."""
        return self.coerce_path_result(value)
