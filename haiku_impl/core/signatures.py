"""Signatures of init and apply, derived from the function transformed."""

import inspect
from collections.abc import Sequence
from typing import Any, get_args, get_origin

from . import typing
from .typing import Params, State

_POSITIONAL = (
    inspect.Parameter.POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD,
)


def leading(**annotations: Any) -> list[inspect.Parameter]:
    """Returns ordinary parameters with the given annotations."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [
        inspect.Parameter(name, kind, annotation=annotation)
        for name, annotation in annotations.items()
    ]


PARAMS = leading(params=Params | None)
STATE = leading(state=State | None)
RNG = leading(rng=typing.RNG)


def with_leading(
    signature: inspect.Signature, count: int, parameters: Sequence[inspect.Parameter]
) -> inspect.Signature:
    """Puts `parameters` in the place of the first `count` positional ones."""
    rest = list(signature.parameters.values())
    while count and rest and rest[0].kind in _POSITIONAL:
        rest.pop(0)
        count -= 1
    return _unchecked([*parameters, *rest], signature.return_annotation)


def with_state(signature: inspect.Signature) -> inspect.Signature:
    """Makes what is returned a pair of it and the state."""
    result = signature.return_annotation
    result = Any if result is inspect.Signature.empty else result
    return returning(signature, tuple[result, State])  # type: ignore[valid-type]


def without_state(signature: inspect.Signature) -> inspect.Signature:
    """Makes what is returned the first of a pair."""
    result = signature.return_annotation
    pair = get_args(result) if get_origin(result) is tuple else ()
    return returning(signature, pair[0] if len(pair) == 2 else Any)


def returning(signature: inspect.Signature, result: Any) -> inspect.Signature:
    return _unchecked(list(signature.parameters.values()), result)


def _unchecked(parameters: list[inspect.Parameter], result: Any) -> inspect.Signature:
    # Unchecked, since the function may itself have a parameter called rng.
    return inspect.Signature(
        parameters, return_annotation=result, __validate_parameters__=False
    )
