"""Renaming tensors by patterns over their whole names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import CheckpointError, MismatchError

__all__ = ["renamed_by"]


def renamed_by(
    mapping: Mapping[str, str],
    names: Mapping[str, str],
    *,
    error: type[CheckpointError] = MismatchError,
    path: str | None = None,
) -> dict[str, str]:
    """Renames each name by the first pattern that matches the whole of it.

    Args:
      mapping: regular expressions to replacements, tried in order.
      names: the name of each key; those that nothing matches stay as they are.
      error: the class of what is raised.
      path: the file, for messages.

    Returns:
      The new name of each key.

    Raises:
      CheckpointError: two names would become one, one would be empty, or a pattern
        is no regular expression; of the class `error`.

    Example:
      >>> renamed_by({"hub_wrapper/(.*)": r"\\1"}, {"key": "hub_wrapper/w"})
      {'key': 'w'}
    """
    renamed: dict[str, str] = {}
    owners: dict[str, str] = {}
    for key, old in names.items():
        new = _renamed(old, mapping, error)
        if not new.rpartition("/")[2]:
            raise error(
                f"mapping turns it into {new!r}, which has no name",
                path=path,
                tensor=key,
            )
        if new in owners:
            raise error(
                f"tensors {owners[new]!r} and {key!r} would both become {new!r}: "
                "give patterns that tell them apart, or leave one out",
                path=path,
            )
        owners[new] = key
        renamed[key] = new
    return renamed


def _renamed(
    name: str, mapping: Mapping[str, str], error: type[CheckpointError]
) -> str:
    for pattern, replacement in mapping.items():
        try:
            match = re.fullmatch(pattern, name)
            if match:
                return match.expand(replacement)
        except (re.error, IndexError) as problem:
            raise error(
                f"mapping {pattern!r} -> {replacement!r} is not a regular expression "
                f"and its replacement: {problem}"
            ) from problem
    return name
