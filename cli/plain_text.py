"""Plain text from untrusted names: sizes, columns, one-line messages."""

from collections.abc import Iterable, Sequence

from .._printable import printable

WIDEST_COLUMN = 100


def one_line(message: str) -> str:
    """The message on one line, printable.

    Example:

        >>> one_line("bad file:\\n  w")
        'bad file: w'
    """
    return printable(" ".join(message.split()))


def shape_text(shape: Sequence[object]) -> str:
    """A shape in brackets.

    Example:

        >>> shape_text((3, 3, 1, 16)), shape_text(())
        ('[3, 3, 1, 16]', '[]')
    """
    return f"[{', '.join(map(str, shape))}]"


def byte_text(count: int) -> str:
    """A number of bytes in the unit that fits it.

    Example:

        >>> byte_text(576), byte_text(139202), byte_text(5 << 30)
        ('576 B', '135.9 KiB', '5.0 GiB')
    """
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.1f} {unit}" if unit != "B" else f"{count} B"
        size /= 1024
    return f"{size:.1f} TiB"


def columns(
    heading: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()
) -> list[str]:
    """The lines of a table with aligned columns, whole cells, and no frame.

    A cell longer than `WIDEST_COLUMN` moves its own line only: one absurd name does
    not pad a thousand others.

    Args:
        heading: the columns' titles.
        rows: the cells.
        right: the columns to align on the right.

    Example:

        >>> columns(["name", "bytes"], [["w", "128"], ["b", "16"]], right=[1])
        ['name  bytes', 'w       128', 'b        16']
    """
    table = [heading, *rows]
    widths = [min(max(map(len, column)), WIDEST_COLUMN) for column in zip(*table)]
    align = ["rjust" if i in set(right) else "ljust" for i in range(len(widths))]
    return [
        "  ".join(
            getattr(cell, side)(width) for cell, side, width in zip(row, align, widths)
        ).rstrip()
        for row in table
    ]
