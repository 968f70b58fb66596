"""A program as a tree of modules and operations, with their sizes and costs.

`make_model_info` makes the tree; `format_module` writes it as text, `as_html_page` as a
page whose branches can be opened and closed.
"""

import dataclasses
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax
import jax.extend.core

from .summary import MethodInvocation, eval_summary


@dataclasses.dataclass
class Module:
    """A module, or a function called by the program.

    Attributes:
      name: its name.
      flops: what it costs to compute, all in all; None where that was not asked for.
      expressions: what it consists of, in order.
      total_param_size: how many elements its parameters have, submodules' included.
      param_info: `{relative name: shape}` of its parameters.
      total_state_size: how many elements its state has, submodules' included.
      state_info: `{relative name: shape}` of its state.
    """

    name: str
    flops: int | None = None
    expressions: list["Expression"] = dataclasses.field(default_factory=list)
    total_param_size: int = 0
    param_info: dict[str, str] = dataclasses.field(default_factory=dict)
    total_state_size: int = 0
    state_info: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Expression:
    """An operation, or a module used as one.

    Attributes:
      primitive: such as `add`.
      invars: the names of its inputs.
      outvars: the names of its outputs.
      flops: what it costs to compute, or None.
      details: the shapes of inputs and outputs.
      params: its static parameters.
      submodule: what it consists of, for a module or a call.
      first_outvar: the name of its first output.
      name_stack: the name scopes around it.
    """

    primitive: str
    invars: str
    outvars: str
    flops: int | None = None
    details: str = ""
    params: dict[str, str] = dataclasses.field(default_factory=dict)
    submodule: Module | None = None
    first_outvar: str = ""
    name_stack: Sequence[str] = dataclasses.field(default_factory=list)


ComputeFlopsFn = Callable[[Any, Expression], int]


def make_model_info(
    f: Callable[..., Any],
    name: str | None = None,
    include_module_info: bool = True,
    compute_flops: ComputeFlopsFn | None = None,
    axis_env: Sequence[tuple[Any, int]] | None = None,
) -> Callable[..., Module]:
    """Describes a program as a tree of modules and operations.

    Args:
      f: a pure function, such as the `apply` of a transformed one.
      name: of the root, by default the function's.
      include_module_info: whether to add the sizes of parameters and state.
      compute_flops: `compute_flops(equation, expression)` estimates the cost of one
        operation; if None, costs are left out.
      axis_env: the names and sizes of mapped axes, as for `jax.make_jaxpr`.

    Returns:
      A function of the arguments of `f`.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.Linear(2)(x))
    >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 3]))
    >>> info = hk.experimental.jaxpr_info.make_model_info(f.apply)
    >>> tree = info(params, None, jnp.ones([1, 3]))
    >>> print(hk.experimental.jaxpr_info.format_module(tree))
    apply_fn
      linear 8 params
        dot_general in f32[1,3], f32[3,2], out f32[1,2]
        broadcast_in_dim in f32[2], out f32[1,2]
        add in f32[1,2], f32[1,2], out f32[1,2]
    <BLANKLINE>
    """

    def make(*args: Any, **kwargs: Any) -> Module:
        root = Module(name or f.__name__)
        _fill(
            root, jax.make_jaxpr(f, axis_env=axis_env)(*args, **kwargs), compute_flops
        )
        if include_module_info:
            # In a lambda, since eval_summary would take a transformed function apart.
            calls = eval_summary(lambda *a, **k: f(*a, **k))(*args, **kwargs)
            by_name = {
                call.module_details.module.module_name.replace("/~/", "/"): call
                for call in calls
            }
            for expression in root.expressions:
                if expression.submodule:
                    _add_sizes(expression.submodule, expression.submodule.name, by_name)
        return root

    return make


def _named(eqn: Any) -> str:
    return eqn.params["name"]


def _body(key: str) -> Callable[[Any], Any]:
    return lambda eqn: eqn.params[key]


def _once(eqn: Any) -> int:
    return 1


# For each primitive that calls another program: its title, that program, and how often.
_CALLS: Mapping[
    str, tuple[Callable[..., str], Callable[..., Any], Callable[..., int]]
] = {
    "jit": (_named, _body("jaxpr"), _once),
    "pjit": (_named, _body("jaxpr"), _once),
    "custom_jvp_call": (lambda _: "custom_jvp", _body("call_jaxpr"), _once),
    "custom_vjp_call": (lambda _: "custom_vjp", _body("call_jaxpr"), _once),
    "checkpoint": (lambda _: "remat", _body("jaxpr"), _once),
    "remat2": (lambda _: "remat", _body("jaxpr"), _once),
    "while": (lambda _: "while", _body("body_jaxpr"), _once),
    "scan": (
        lambda eqn: "scan length={length} unroll={unroll}".format(**eqn.params),
        _body("jaxpr"),
        lambda eqn: eqn.params["length"] // eqn.params["unroll"],
    ),
    "shard_map": (
        lambda _: "shard_map",
        _body("jaxpr"),
        lambda eqn: eqn.params["mesh"].size,
    ),
}


def _fill(module: Module, jaxpr: Any, compute_flops: ComputeFlopsFn | None) -> None:
    """Adds the operations of a program to a module, grouped by name scopes."""
    jaxpr = getattr(jaxpr, "jaxpr", jaxpr)
    module.flops = None if compute_flops is None else 0
    names = _Names(jaxpr)
    open_scopes = [module]
    for eqn in _live(jaxpr):
        expression = _expression(eqn, names, compute_flops)
        if expression.submodule is not None and expression.flops == 0:
            continue
        depth = 1
        for scope in expression.name_stack:
            if depth == len(open_scopes) or open_scopes[depth].name != scope:
                del open_scopes[depth:]
                inner = Module(scope, flops=None if compute_flops is None else 0)
                held = Expression("name_scope", "", "", submodule=inner)
                open_scopes[-1].expressions.append(held)
                open_scopes.append(inner)
            depth += 1
        del open_scopes[depth:]
        open_scopes[-1].expressions.append(expression)
        for scope_module in open_scopes:
            if expression.flops is not None and scope_module.flops is not None:
                scope_module.flops += expression.flops


def _live(jaxpr: Any) -> list[Any]:
    """Returns the equations on which the results depend."""
    needed = {v for v in jaxpr.outvars if _is_var(v)}
    live = []
    for eqn in reversed(jaxpr.eqns):
        if needed.intersection(eqn.outvars):
            live.append(eqn)
            needed.update(v for v in eqn.invars if _is_var(v))
    return live[::-1]


def _is_var(atom: Any) -> bool:
    return not isinstance(atom, jax.extend.core.Literal)


class _Names:
    """Names variables a, b, ..., z, ba, ... in the order in which they are bound."""

    def __init__(self, jaxpr: Any):
        bound = [*jaxpr.constvars, *jaxpr.invars]
        bound += [v for eqn in jaxpr.eqns for v in eqn.outvars]
        self._numbers = {var: i for i, var in enumerate(bound)}

    def __call__(self, atom: Any) -> str:
        if not _is_var(atom):
            return str(atom)
        if isinstance(atom, jax.extend.core.DropVar):
            return "_"
        number, name = self._numbers[atom], ""
        while not name or number:
            number, digit = divmod(number, 26)
            name = chr(ord("a") + digit) + name
        return name


def _expression(
    eqn: Any, names: _Names, compute_flops: ComputeFlopsFn | None
) -> Expression:
    primitive = eqn.primitive.name
    inputs = [names(v) for v in eqn.invars]
    outputs = sorted(
        (names(v) for v in eqn.outvars), key=lambda n: (n == "_", len(n), n)
    )
    stack = str(eqn.source_info.name_stack)
    expression = Expression(
        primitive,
        " ".join(inputs) if len(inputs) < 10 else f"{len(inputs)} inputs",
        " ".join(outputs)
        if len(outputs) < 10
        else f"{outputs[0]}, {len(outputs) - 1} more outputs",
        first_outvar=outputs[0],
        name_stack=stack.split("/") if stack else [],
    )
    if primitive in _CALLS:
        title, body, repeats = _CALLS[primitive]
        expression.submodule = Module(title(eqn))
        _fill(expression.submodule, body(eqn), compute_flops)
        if compute_flops is not None:
            expression.submodule.flops = (expression.submodule.flops or 0) * repeats(
                eqn
            )
            expression.flops = expression.submodule.flops
        return expression
    shapes = [
        f"{side} " + ", ".join(v.aval.str_short().replace("float", "f") for v in atoms)
        for side, atoms in (("in", eqn.invars), ("out", eqn.outvars))
        if atoms
    ]
    expression.details = ", ".join(shapes)
    expression.params = {key: str(value) for key, value in eqn.params.items()}
    if compute_flops is not None:
        expression.flops = compute_flops(eqn, expression)
    return expression


def _add_sizes(
    module: Module, path: str, calls: Mapping[str, MethodInvocation]
) -> None:
    if path in calls:
        details = calls[path].module_details
        module.total_param_size = sum(spec.size for spec in details.params.values())
        module.total_state_size = sum(spec.size for spec in details.state.values())
        module.param_info = _relative(details.params, path)
        module.state_info = _relative(details.state, path)
    for expression in module.expressions:
        if expression.submodule:
            inner = f"{path}/{expression.submodule.name}"
            _add_sizes(expression.submodule, inner, calls)


def _relative(specs: Mapping[str, Any], path: str) -> dict[str, str]:
    return {
        name.replace("/~/", "/").replace(path, "."): str(spec)
        for name, spec in specs.items()
    }


_PREFIXES = (("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3))


def _amount(n: int, unit: str) -> str:
    for prefix, exponent in _PREFIXES:
        if n > 10**exponent:
            return f"{n / 10**exponent:.4g} {prefix}{unit}"
    return f"{n} {unit}"


def _sizes(module: Module, flops: str, params: str) -> list[str]:
    sizes = [] if module.flops is None else [_amount(module.flops, flops)]
    if module.total_param_size > 0:
        sizes.append(_amount(module.total_param_size, params))
    if module.total_state_size > 0:
        sizes.append(_amount(module.total_state_size, "state"))
    return sizes


def format_module(module: Module, depth: int = 0) -> str:
    """Returns the tree as text, one line for each module and operation.

    Args:
      module: what `make_model_info` returned.
      depth: how far to indent, in steps of two spaces.
    """
    return "\n".join(_text_lines(module, depth)) + "\n"


def _text_lines(module: Module, depth: int) -> Iterator[str]:
    yield "  " * depth + " ".join([module.name, *_sizes(module, "flops", "params")])
    for expression in module.expressions:
        if expression.submodule:
            yield from _text_lines(expression.submodule, depth + 1)
        else:
            cost = (
                [] if expression.flops is None else [_amount(expression.flops, "flops")]
            )
            words = [expression.primitive, *cost, expression.details]
            yield "  " * (depth + 1) + " ".join(words)


def as_html_page(module: Module, min_flop: int = 1000) -> str:
    """Returns the tree as a page of HTML.

    Args:
      module: what `make_model_info` returned.
      min_flop: operations that cost less are left out, where costs are known.
    """
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><style>{css()}</style>'
        f"<script>{js()}</script></head><body>{as_html(module, min_flop)}</body></html>"
    )


def css() -> str:
    """Returns the style sheet of a tree in HTML."""
    return (
        "details, .expression { font-family: monospace; margin-left: 2em; }"
        "summary { cursor: pointer; }"
        "details.last { border-bottom: 1px solid #ccc; }"
        ".cost { color: grey; margin-left: 1em; }"
        ".primitive { color: #3f48b0; }"
    )


def js() -> str:
    """Returns the script of a tree in HTML: a double click opens or closes all."""
    return (
        "document.addEventListener('dblclick', event => {"
        "const root = event.target.closest('details'); if (!root) return;"
        "root.querySelectorAll('details').forEach(d => { d.open = root.open; }); });"
    )


def as_html(
    module: Module, min_flop: int = 1000, outvars: str = "", last: bool = False
) -> str:
    """Returns the tree as HTML elements, for a page that has `css()` and `js()`.

    Args:
      module: what `make_model_info` returned.
      min_flop: operations that cost less are left out, where costs are known.
      outvars: the names of the module's results.
      last: whether it is the last of its siblings.
    """
    shown = [e for e in module.expressions if e.flops is None or e.flops >= min_flop]
    inner = []
    for i, expression in enumerate(shown):
        if expression.submodule:
            is_last = i + 1 == len(shown)
            inner.append(
                as_html(expression.submodule, min_flop, expression.outvars, is_last)
            )
        else:
            inner.append(_expression_html(expression))
    infos = {**module.param_info, **module.state_info}
    tooltip = html.escape("\n".join(f"{k}: {v}" for k, v in infos.items()))
    result = f"{html.escape(outvars)} = " if outvars else ""
    sizes = "".join(
        f'<span class="cost">{size}</span>' for size in _sizes(module, "flop", "param")
    )
    return (
        f'<details class="{"last" if last else "node"}">'
        f'<summary title="{tooltip}">{result}<b>{html.escape(module.name)}</b>{sizes}'
        f"</summary>{''.join(inner)}</details>"
    )


def _expression_html(expression: Expression) -> str:
    lines = [expression.details, *(f"{k}: {v}" for k, v in expression.params.items())]
    cost = "" if expression.flops is None else _amount(expression.flops, "flops")
    return (
        f'<div class="expression" title="{html.escape(chr(10).join(lines))}">'
        f"{html.escape(expression.outvars)} = "
        f'<span class="primitive">{html.escape(expression.primitive)}</span> '
        f'{html.escape(expression.invars)}<span class="cost">{cost}</span></div>'
    )
