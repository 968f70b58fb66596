"""Which methods a function calls on its modules, as records and as a table."""

import contextlib
import dataclasses
import pprint
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from ..core import frames
from ..core.module import (
    MethodContext,
    Module,
    full_name,
    intercept_methods,
    params_and_state,
)
from ..core.transform import get_original_fn, transform_with_state
from ..data_structures import tree_bytes, tree_size
from ..data_structures.array_spec import ArraySpec, format_array, format_bytes


@dataclasses.dataclass(frozen=True)
class ModuleDetails:
    """A module and one of its methods.

    Attributes:
      module: the module.
      method_name: the method.
      params: `{full name: ArraySpec}` of the module's and submodules' parameters.
      state: likewise of their state.
    """

    module: Module
    method_name: str
    params: Mapping[str, ArraySpec]
    state: Mapping[str, ArraySpec]

    @classmethod
    def of(cls, module: Module, method_name: str) -> "ModuleDetails":
        """Describes a module inside a transformed function."""
        trees = params_and_state(module)
        params, state = (jax.tree.map(ArraySpec.from_array, tree) for tree in trees)
        return cls(module, method_name, params, state)


@dataclasses.dataclass(frozen=True)
class MethodInvocation:
    """One call of a method of a module; `ArraySpec`s stand for arrays.

    Attributes:
      module_details: the module and the method.
      args_spec: the positional arguments.
      kwargs_spec: the keyword arguments.
      output_spec: the result.
      context: what an interceptor is told about the call.
      call_stack: the running methods, this one first, the outermost last.
    """

    module_details: ModuleDetails
    args_spec: tuple[Any, ...]
    kwargs_spec: dict[str, Any]
    output_spec: Any
    context: MethodContext
    call_stack: Sequence[ModuleDetails]


_IGNORED = ("__init__", "params_dict", "state_dict")


def eval_summary(f: Any) -> Callable[..., Sequence[MethodInvocation]]:
    """Records the calls of modules' methods, without computing anything.

    Args:
      f: a function that uses modules, or what one of the transforms made of it.

    Returns:
      A function of the arguments of `f`, or of their shapes, that returns a
      `MethodInvocation` for each call, in the order in which they begin.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = lambda x: hk.nets.MLP([300, 10])(x)
    >>> for call in hk.experimental.eval_summary(f)(jnp.ones([8, 784])):
    ...     print(call.module_details.module.module_name, call.output_spec)
    mlp f32[8,10]
    mlp/~/linear_0 f32[8,300]
    mlp/~/linear_1 f32[8,10]
    """
    with contextlib.suppress(AttributeError):  # a plain function has none
        f = get_original_fn(f)

    def summarise(*args: Any, **kwargs: Any) -> Sequence[MethodInvocation]:
        calls: list[Any] = []

        def recorded(*args: Any, **kwargs: Any) -> None:
            with intercept_methods(_recorder(calls)):
                f(*args, **kwargs)

        def run(*args: Any, **kwargs: Any) -> None:
            init_key, apply_key = jax.random.split(jax.random.PRNGKey(42))
            # Not f itself: transform refuses a compiled function, but here it is
            # traced once only, whether compiled or not.
            init = transform_with_state(lambda *a, **k: f(*a, **k)).init
            params, state = init(init_key, *args, **kwargs)
            apply = transform_with_state(recorded).apply
            apply(params, state, apply_key, *args, **kwargs)

        with jax.disable_jit():
            jax.eval_shape(run, *args, **kwargs)
        return calls

    return summarise


def _recorder(calls: list[Any]) -> Callable[..., Any]:
    # Of modules that are on no stack of Haiku's, those whose methods run.
    others: list[frames.Scope] = []

    def record(next_f: Any, args: Any, kwargs: Any, context: MethodContext) -> Any:
        if context.method_name in _IGNORED:
            return next_f(*args, **kwargs)
        place = len(calls)
        calls.append(None)
        scopes = frames.thread.frames[-1].scopes
        if not isinstance(context.module, Module):
            others.append(frames.Scope(context.module, context.method_name))
        running = [*others, *(s for s in scopes if s.module is not None)]
        try:
            out = next_f(*args, **kwargs)
        finally:
            if not isinstance(context.module, Module):
                others.pop()
        calls[place] = MethodInvocation(
            module_details=ModuleDetails.of(context.module, context.method_name),
            args_spec=_specs(args),
            kwargs_spec=_specs(kwargs),
            output_spec=_specs(out),
            context=context,
            call_stack=tuple(
                ModuleDetails.of(scope.module, scope.method_name)
                for scope in reversed(running)
            ),
        )
        return out

    return record


def _specs(tree: Any) -> Any:
    return jax.tree.map(
        lambda x: ArraySpec.from_array(x) if isinstance(x, jax.Array) else x, tree
    )


class _Column(NamedTuple):
    header: str
    text: Callable[[MethodInvocation], str]
    align: str = "left"


def _module_text(call: MethodInvocation) -> str:
    lines = []
    for details in call.call_stack:
        kind = type(details.module).__name__
        if details.method_name != "__call__":
            kind += f".{details.method_name}"
        lines.append(f"{full_name(details.module)} ({kind})")
    return "\n └ ".join(lines)


def _own_params_text(call: MethodInvocation) -> str:
    details = call.module_details
    prefix = full_name(details.module) + "/"
    own = {
        name.removeprefix(prefix): spec
        for name, spec in details.params.items()
        if name.rpartition("/")[0] + "/" == prefix
    }
    by_size = sorted(own.items(), key=lambda item: (-item[1].size, item[0]))
    return "\n".join(f"{name}: {format_array(spec)}" for name, spec in by_size)


def _input_text(call: MethodInvocation) -> str:
    text = ", ".join(map(pprint.pformat, call.args_spec))
    if call.kwargs_spec:
        named = (f"{k}={pprint.pformat(v)}" for k, v in call.kwargs_spec.items())
        text += "\n" + ", ".join(named)
    return text


_COLUMNS = {
    "module": _Column("Module", _module_text),
    "config": _Column("Config", lambda call: repr(call.module_details.module)),
    "owned_params": _Column("Module params", _own_params_text),
    "input": _Column("Input", _input_text),
    "output": _Column("Output", lambda call: pprint.pformat(call.output_spec)),
    "params_size": _Column(
        "Param count",
        lambda call: f"{tree_size(call.module_details.params):,}",
        "right",
    ),
    "params_bytes": _Column(
        "Param bytes",
        lambda call: format_bytes(tree_bytes(call.module_details.params)),
        "right",
    ),
}

_FILTERS: dict[str, Callable[[MethodInvocation], bool]] = {
    "has_output": lambda call: call.output_spec is not None,
    "has_params": lambda call: bool(call.module_details.params),
}

DEFAULT_COLUMNS = tuple(_COLUMNS)
DEFAULT_FILTERS = ("has_output",)
DEFAULT_STYLE: Mapping[str, Any] = {"tablefmt": "grid"}


def tabulate(
    f: Any,
    *,
    columns: Sequence[str] | None = DEFAULT_COLUMNS,
    filters: Sequence[str] | None = DEFAULT_FILTERS,
    tabulate_kwargs: Mapping[str, Any] = DEFAULT_STYLE,
) -> Callable[..., str]:
    """Returns a table of the calls of modules' methods, without computing anything.

    It needs the package `tabulate`.

    Args:
      f: as for `eval_summary`.
      columns: which of `module`, `config`, `owned_params`, `input`, `output`,
        `params_size`, `params_bytes` to show; by default all.
      filters: which of `has_output`, `has_params` a call must pass to be shown; by
        default `has_output`.
      tabulate_kwargs: passed to `tabulate.tabulate`.

    Returns:
      A function of the arguments of `f` that returns the table.

    Raises:
      ValueError: for a column or a filter that doesn't exist.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> table = hk.experimental.tabulate(
    ...     lambda x: hk.Linear(2)(x), columns=("module", "owned_params", "params_size")
    ... )
    >>> print(table(jnp.ones([1, 3])))
    +-----------------+-----------------+---------------+
    | Module          | Module params   |   Param count |
    +=================+=================+===============+
    | linear (Linear) | w: f32[3,2]     |             8 |
    |                 | b: f32[2]       |               |
    +-----------------+-----------------+---------------+
    """
    shown = _chosen("column", columns, _COLUMNS, DEFAULT_COLUMNS)
    passed = _chosen("filter", filters, _FILTERS, DEFAULT_FILTERS)
    summarise = eval_summary(f)

    def table(*args: Any, **kwargs: Any) -> str:
        rows = [
            [column.text(call) for column in shown]
            for call in summarise(*args, **kwargs)
            if all(passes(call) for passes in passed)
        ]
        if not rows:
            return "No modules matching filters."
        # Imported here, since it is needed here only.
        import tabulate as tables

        return tables.tabulate(
            rows,
            headers=[column.header for column in shown],
            colalign=[column.align for column in shown],
            **tabulate_kwargs,
        )

    return table


def _chosen(
    what: str,
    names: Sequence[str] | None,
    table: Mapping[str, Any],
    default: Sequence[str],
) -> list[Any]:
    names = default if names is None else names
    invalid = [name for name in names if name not in table]
    if invalid:
        raise ValueError(f"Invalid {what}(s) {invalid}, valid {what}s {list(table)}")
    return [table[name] for name in names]
