"""Trees of parameters and state: nested dicts, two levels deep."""

from collections.abc import Mapping
from typing import Any

import jax


def to_dict(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a copy of nested mappings as plain dicts; the leaves are shared.

    >>> from sonnax import haiku_impl as hk
    >>> hk.data_structures.to_dict({"linear": {"w": 1}})
    {'linear': {'w': 1}}
    """
    return {
        key: to_dict(value) if isinstance(value, Mapping) else jax.tree.map(_same, value)
        for key, value in mapping.items()
    }


def _same(leaf: Any) -> Any:
    return leaf


to_haiku_dict = to_dict
