"""Drawing a program as a graph in the DOT language, with a box around each module."""

import contextlib
import dataclasses
import functools
import html
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.extend.core

from ..core.module import hook_methods
from ..data_structures.array_spec import format_array


def to_dot(fun: Callable[..., Any]) -> Callable[..., str]:
    """Draws the operations that a function performs, grouped by module.

    View the result with Graphviz: `graphviz.Source(hk.to_dot(f)(x))`.

    Args:
      fun: a function that uses modules, inside a transformed function; or the `apply`
        of one.

    Returns:
      A function of the arguments of `fun` that returns the source of a graph. Nothing
      is computed, so `fun` must not decide anything by the values of its arguments.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.Linear(2)(x))
    >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 3]))
    >>> dot = hk.to_dot(f.apply)(params, None, jnp.ones([1, 3]))
    >>> "label=<<b>linear</b>>" in dot, "<b>dot_general</b><br/>f32[1,2]" in dot
    (True, True)
    """

    @functools.wraps(fun)
    def draw(*args: Any) -> str:
        drawing = _Drawing()
        leaves, structure = jax.tree.flatten(args)
        traced = [i for i, leaf in enumerate(leaves) if hasattr(leaf, "shape")]
        result_paths: list[str] = []

        def flat(*values: Any) -> list[Any]:
            filled = list(leaves)
            for i, value in zip(traced, values):
                filled[i] = value
            out = fun(*jax.tree.unflatten(structure, filled))
            named = [
                (_path("output", path), leaf)
                for path, leaf in jax.tree_util.tree_leaves_with_path(out)
                if hasattr(leaf, "shape")
            ]
            result_paths[:] = [path for path, _ in named]
            return [leaf for _, leaf in named]

        with hook_methods(drawing.mark_method):
            closed = jax.make_jaxpr(flat)(*(leaves[i] for i in traced))
        paths = [
            _path("args", path) for path, _ in jax.tree_util.tree_leaves_with_path(args)
        ]
        arg_names = [paths[i] for i in traced]
        title = getattr(fun, "__name__", str(fun))
        return drawing.render(title, closed, arg_names, result_paths)

    return draw


def abstract_to_dot(fun: Callable[..., Any]) -> Callable[..., str]:
    """Like `to_dot`, for arguments that may be shapes, `jax.ShapeDtypeStruct`.

    Args:
      fun: as for `to_dot`.

    Returns:
      As `to_dot` does.
    """
    return to_dot(fun)


def _path(root: str, path: Any) -> str:
    return root + jax.tree_util.keystr(path)


@dataclasses.dataclass
class _Box:
    """A box of the graph: a module's method, or a function called by the program."""

    title: str
    lines: list[str] = dataclasses.field(default_factory=list)
    boxes: dict[Any, "_Box"] = dataclasses.field(default_factory=dict)


# Ends the name scopes that stand for the call of a method: nothing else has it.
_MARK = "\N{INVISIBLE SEPARATOR}"

# (border, fill) of the boxes for operations, results, arguments and constants.
_OPERATION = ("#FFDB13", "#FFF26E")
_RESULT = ("#0053D6", "#AABFFF")
_ARGUMENT = ("#FF8A4F", "#FFDEAF")
_CONSTANT = ("#A261FF", "#E6D6FF")

_CALLS = ("jit", "pjit")
# What a call says of itself that nobody asked to inline.
_NOT_INLINED = (False, jax.Inline.AUTO) if hasattr(jax, "Inline") else (False,)
_CUSTOM_RULES = ("custom_jvp_call", "custom_vjp_call")


class _Drawing:
    def __init__(self) -> None:
        self._numbers = itertools.count()
        self._titles: dict[str, str] = {}
        self._results: dict[Any, str] = {}
        self._edges: list[str] = []

    @contextlib.contextmanager
    def mark_method(self, module: Any, method_name: str) -> Iterator[None]:
        """Marks the operations of one call of a method, by a name scope."""
        title = getattr(module, "module_name", type(module).__name__)
        if method_name != "__call__":
            title += f" ({method_name})"
        mark = f"{next(self._numbers)}{_MARK}"
        self._titles[mark] = title
        with jax.named_scope(mark):
            yield

    def render(self, title: str, closed: Any, args: list[str], outs: list[str]) -> str:
        """Returns the source of the graph of a program."""
        root = _Box(title)
        jaxpr = closed.jaxpr
        self._results = {v: name for v, name in zip(jaxpr.outvars, outs) if _is_var(v)}
        nodes: dict[Any, str] = {}
        used = {v for eqn in jaxpr.eqns for v in eqn.invars if _is_var(v)}
        for var, name in zip(jaxpr.invars, args):
            if var in used or var in self._results:
                nodes[var] = self._node(root, name, [format_array(var.aval)], _ARGUMENT)
        for var, value in zip(jaxpr.constvars, closed.consts):
            text = (
                str(value) if getattr(value, "size", 0) == 1 else format_array(var.aval)
            )
            nodes[var] = self._node(root, text, [], _CONSTANT)
        self._draw(root, jaxpr, nodes)
        header = [
            "digraph G {",
            "rankdir = TD;",
            "compound = true;",
            f"label = <<b>{html.escape(title)}</b>>;",
            "labelloc = t;",
            'node [shape=rect, style=filled, fontname="sans-serif", fontsize=12];',
        ]
        return "\n".join([*header, *_lines(root), *self._edges, "}"]) + "\n"

    def _draw(self, root: _Box, jaxpr: Any, nodes: dict[Any, str]) -> None:
        for eqn in jaxpr.eqns:
            box = self._box_of(root, eqn)
            sources = [self._source(box, nodes, v) for v in eqn.invars]
            name = eqn.primitive.name
            if name in _CALLS or name in _CUSTOM_RULES:
                self._draw_call(box, eqn, sources, nodes)
                continue
            text = [
                format_array(v.aval) for v in eqn.outvars if hasattr(v.aval, "dtype")
            ]
            results = [self._results[v] for v in eqn.outvars if v in self._results]
            if results:
                node = self._node(box, results[0], [name, *text], _RESULT)
            else:
                node = self._node(box, name, text, _OPERATION)
            self._edges += [f"{source} -> {node};" for source in sources]
            nodes.update((v, node) for v in eqn.outvars)

    def _draw_call(
        self, box: _Box, eqn: Any, sources: list[str], nodes: dict[Any, str]
    ) -> None:
        inner = eqn.params.get("jaxpr") or eqn.params["call_jaxpr"]
        if eqn.primitive.name in _CALLS and eqn.params["inline"] in _NOT_INLINED:
            key = next(self._numbers)
            title = f"{eqn.primitive.name} ({eqn.params['name']})"
            box = box.boxes.setdefault(key, _Box(title))
        jaxpr = inner.jaxpr
        inner_nodes = dict(zip(jaxpr.invars, sources))
        for var, value in zip(jaxpr.constvars, inner.consts):
            inner_nodes[var] = self._node(box, format_array(value), [], _CONSTANT)
        outer = dict(zip(jaxpr.outvars, eqn.outvars)) if jaxpr.eqns else {}
        for var, out in outer.items():
            if _is_var(var) and out in self._results:
                self._results[var] = self._results[out]
        self._draw(box, jaxpr, inner_nodes)
        for var, out in zip(jaxpr.outvars, eqn.outvars):
            nodes[out] = self._source(box, inner_nodes, var)

    def _box_of(self, box: _Box, eqn: Any) -> _Box:
        for scope in str(eqn.source_info.name_stack).split("/"):
            # Within jvp(...) and the like the mark is not at the end.
            found = (
                [mark for mark in self._titles if mark in scope]
                if _MARK in scope
                else []
            )
            for mark in found:
                box = box.boxes.setdefault(mark, _Box(self._titles[mark]))
        return box

    def _source(self, box: _Box, nodes: dict[Any, str], atom: Any) -> str:
        if not _is_var(atom):
            return self._node(box, str(atom.val), [], _CONSTANT)
        return nodes[atom]

    def _node(
        self, box: _Box, title: str, details: list[str], colors: tuple[str, str]
    ) -> str:
        name = f"n{next(self._numbers)}"
        label = "<br/>".join(
            [f"<b>{html.escape(title)}</b>", *map(html.escape, details)]
        )
        border, fill = colors
        box.lines.append(
            f'{name} [label=<{label}>, color="{border}", fillcolor="{fill}"];'
        )
        return name


def _is_var(atom: Any) -> bool:
    return not isinstance(atom, jax.extend.core.Literal)


def _lines(box: _Box) -> Iterator[str]:
    yield from box.lines
    for inner in box.boxes.values():
        yield f"subgraph cluster_{id(inner)} {{"
        yield f"label=<<b>{html.escape(inner.title)}</b>>;"
        yield 'style="rounded,filled"; color="#14234B"; fillcolor="#F0F5F5";'
        yield from _lines(inner)
        yield "}"
