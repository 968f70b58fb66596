"""A progress bar on stderr where a person looks on; nothing in a pipe."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[..., None] | None]:
    """Shows how much is done while the block runs.

    Args:
        label: what is going on, in one word.

    Yields:
        A function to call with the number done, the number of all and, if it is not
        the label, what is going on now; or None if stderr is no terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    shown = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with shown:
        task = shown.add_task(label, total=None)
        yield lambda done, total, doing=label: shown.update(
            task, completed=done, total=total, description=doing
        )
