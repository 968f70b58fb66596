"""Tables of variables."""

import logging
from collections.abc import Sequence

import jax.numpy as jnp

from .core.variable import Variable

_HEADERS = ("Variable", "Spec", "Trainable", "Device")
_SHORT_KINDS = {"float": "f", "bfloat": "bf", "complex": "c", "int": "i", "uint": "u"}


def format_variables(variables: Sequence[Variable], tablefmt: str = "orgtbl") -> str:
    """Returns a table of variables: their names, shapes, dtypes and devices.

    Args:
      variables: the variables, which are sorted by scope, then by rank.
      tablefmt: the style of the table, default "orgtbl". Others are those of the
        package `tabulate`, which they need.

    Raises:
      ImportError: if another style is asked for without that package.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> net = snt.Linear(3)
    >>> y = net(jnp.ones([1, 2]))
    >>> print(snt.format_variables(net.variables))
    | Variable   | Spec     | Trainable   | Device   |
    |------------+----------+-------------+----------|
    | linear/w   | f32[2,3] | True        | CPU      |
    | linear/b   | f32[3]   | True        | CPU      |
    """
    rows = [_row(variable) for variable in sorted(variables, key=_order)]
    if tablefmt == "orgtbl":
        return _org_table(rows)
    try:
        from tabulate import tabulate
    except ImportError as error:
        raise ImportError(
            f"tablefmt={tablefmt!r} needs the package tabulate: install it, or use "
            "'orgtbl'."
        ) from error
    return tabulate(rows, headers=_HEADERS, tablefmt=tablefmt)


def log_variables(variables: Sequence[Variable]) -> None:
    """Logs a table of variables, line by line, at the level INFO.

    Args:
      variables: the variables.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> net = snt.Linear(3)
    >>> y = net(jnp.ones([1, 2]))
    >>> snt.log_variables(net.variables)
    """
    for line in format_variables(variables).split("\n"):
        logging.getLogger(__name__).info(line)


def _order(variable: Variable) -> tuple[str, int, str]:
    return variable.name.rpartition("/")[0], -variable.ndim, variable.name


def _row(variable: Variable) -> tuple[str, str, str, str]:
    shape = ",".join(str(size) for size in variable.shape)
    spec = f"{_short_dtype(variable)}[{shape}]"
    name = variable.name.partition(":")[0]
    return name, spec, str(variable.trainable), _device(variable)


def _short_dtype(variable: Variable) -> str:
    """Returns the dtype as XLA writes it, such as f32."""
    name = jnp.dtype(variable.dtype).name
    kind = name.rstrip("0123456789")
    return _SHORT_KINDS.get(kind, kind) + name[len(kind) :]


def _device(variable: Variable) -> str:
    devices = sorted(variable.value().devices(), key=lambda device: device.id)
    names = [
        device.platform.upper() + (f" {device.id}" if device.id else "")
        for device in devices
    ]
    return ", ".join(names)


def _org_table(rows: Sequence[Sequence[str]]) -> str:
    # Headers are padded by two more, as by the package that writes the other styles.
    widths = [
        max(len(header) + 2, *(len(row[i]) for row in rows), 0)
        for i, header in enumerate(_HEADERS)
    ]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths))
        for row in (_HEADERS, *rows)
    ]
    rule = "-+-".join("-" * width for width in widths)
    head, *body = (f"| {line} |" for line in lines)
    return "\n".join([head, f"|-{rule}-|", *body])
