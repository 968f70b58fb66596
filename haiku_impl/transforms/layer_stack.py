"""Repeating a layer with parameters of its own each time, compiled once."""

import dataclasses
import functools
import inspect
from collections.abc import Callable
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from ..core.random import maybe_next_rng_key
from ..core.transform import transform_with_state
from .lift import lift_with_state, transparent_lift_with_state


class LayerStackTransparencyMapping(Protocol):
    """Says how modules in a transparent stack are named.

    Example:
      >>> class Numbered(LayerStackTransparencyMapping):
      ...     def stacked_to_flat(self, stacked_module_name, scan_idx):
      ...         return f"{stacked_module_name}_{scan_idx}"
      ...
      ...     def flat_to_stacked(self, unstacked_module_name):
      ...         stem, _, number = unstacked_module_name.rpartition("_")
      ...         return (stem, int(number)) if number.isdigit() else None
      >>> Numbered().flat_to_stacked(Numbered().stacked_to_flat("linear", 3))
      ('linear', 3)
    """

    def stacked_to_flat(self, stacked_module_name: str, scan_idx: int) -> str:
        """Returns the name of a module in layer `scan_idx` of the stack."""
        ...

    def flat_to_stacked(self, unstacked_module_name: str) -> tuple[str, int] | None:
        """Returns the name within the layer, and the number of the layer.

        It returns None for a module that is not in the stack.
        """
        ...


def layer_stack(
    num_layers: int,
    with_per_layer_inputs: bool = False,
    unroll: int = 1,
    pass_reverse_to_layer_fn: bool = False,
    transparent: bool = False,
    transparency_map: LayerStackTransparencyMapping | None = None,
    name: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Repeats a function, with parameters of its own each time, by `jax.lax.scan`.

    The parameters of all layers are stacked, `[num_layers, ...]`, and the function is
    traced and compiled once, however many layers there are.

    Args:
      num_layers: how often the function is applied.
      with_per_layer_inputs: whether the function is `f(x, *ys)` and returns `(x, z)`,
        where the `ys` are different for each layer; else it returns what it takes.
      unroll: how many layers are one iteration of the compiled loop, default 1.
      pass_reverse_to_layer_fn: whether the function gets the argument `reverse`.
      transparent: whether parameters have the names and shapes that a Python loop would
        give them.
      transparency_map: says how, for a transparent stack.
      name: what stands before the names of modules that are not transparent.

    Returns:
      A decorator. The decorated function takes arrays or trees of arrays, and
      `reverse=True` to run the layers from the last to the first. With inputs for each
      layer it takes `(x, *ys)`, each of the `ys` `[num_layers, ...]`, and returns
      `(x, zs)`.

    Raises:
      ValueError: if a transparent stack has no map; if the function's first argument is
        `*args`; when called, if the map gives one name to two modules.
      AssertionError: when called, if an input for each layer is of another length.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f(x):
    ...     return hk.layer_stack(4, name="tower")(lambda x: hk.Linear(2)(x))(x)
    >>> params = hk.transform(f).init(jax.random.PRNGKey(0), jnp.ones([1, 2]))
    >>> jax.tree.map(jnp.shape, params)
    {'tower/linear': {'b': (4, 2), 'w': (4, 2, 2)}}
    """
    if transparent and transparency_map is None:
        raise ValueError(
            "transparency_map must be provided with transparent=True: an object with "
            "stacked_to_flat and flat_to_stacked, see LayerStackTransparencyMapping."
        )
    kind = "with_per_layer" if with_per_layer_inputs else "no_per_layer"
    stack = _LayerStack(
        num_layers,
        unroll,
        pass_reverse_to_layer_fn,
        transparency_map,
        name or f"__layer_stack_{kind}",
    )

    def with_inputs(f: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(f)
        def repeated(x: Any, *args: Any, **kwargs: Any) -> Any:
            for leaf in jax.tree.leaves(args):
                if leaf.shape[0] != num_layers:
                    raise AssertionError(
                        f"{leaf.shape[0]} != {num_layers}: an input for each layer has "
                        f"the shape {leaf.shape}, which must begin with num_layers."
                    )
            return stack.run(f, x, args, **kwargs)

        return repeated

    def without_inputs(f: Callable[..., Any]) -> Callable[..., Any]:
        _check_first_argument(f)

        def layer(x: tuple[Any, ...], **kwargs: Any) -> tuple[Any, None]:
            out = f(*x, **kwargs)
            return (out,) if len(x) == 1 else out, None

        @functools.wraps(f)
        def repeated(*args: Any, **kwargs: Any) -> Any:
            out, _ = stack.run(layer, args, (), **kwargs)
            return out[0] if len(args) == 1 else out

        return repeated

    return with_inputs if with_per_layer_inputs else without_inputs


def _check_first_argument(f: Callable[..., Any]) -> None:
    first = next(iter(inspect.signature(f).parameters.values()), None)
    if first is not None and first.kind == inspect.Parameter.VAR_POSITIONAL:
        raise ValueError(
            "The function `f` should not have any `varargs` (that is "
            f"*{first.name}): name its positional arguments one by one."
        )


@dataclasses.dataclass(frozen=True)
class _LayerStack:
    count: int
    unroll: int
    pass_reverse: bool
    names: LayerStackTransparencyMapping | None
    name: str

    def run(
        self, f: Callable[..., Any], x: Any, ys: tuple[Any, ...], reverse: bool = False
    ) -> tuple[Any, Any]:
        init, apply = transform_with_state(f)

        def init_layer(carry: Any, y: Any) -> Any:
            x, rng = carry
            keys = (None, None, None) if rng is None else jax.random.split(rng, 3)
            params, state = init(keys[0], x, *y)
            (x, _), state = apply(params, state, keys[2], x, *y)
            return (x, keys[1]), (params, state)

        def init_all(x: Any, rng: Any) -> Any:
            _, trees = jax.lax.scan(init_layer, (x, rng), ys, length=self.count)
            return tuple(self._flat(tree) for tree in trees)

        if self.names is None:
            lifted, updater = lift_with_state(
                init_all, allow_reuse=True, name=self.name
            )
        else:
            lifted, updater = transparent_lift_with_state(init_all, allow_reuse=True)
        trees = lifted(x, maybe_next_rng_key())
        params, state = (self._stacked(tree) for tree in trees)

        options = {"reverse": reverse} if self.pass_reverse else {}

        def layer(x: Any, scanned: Any) -> Any:
            params, state, rng, y = scanned
            (x, z), state = apply(params, state, rng, x, *y, **options)
            return x, (z, state)

        rng = maybe_next_rng_key()
        rngs = None if rng is None else jax.random.split(rng, self.count)
        x, (zs, state) = jax.lax.scan(
            layer,
            x,
            (params, state, rngs, ys),
            length=self.count,
            unroll=self.unroll,
            reverse=reverse,
        )
        updater.update(self._flat(state))
        return x, zs

    def _flat(self, tree: Any) -> Any:
        """Splits stacked values into those of the single layers, if transparent."""
        if self.names is None:
            return tree
        flat: dict[str, Any] = {}
        for module, bundle in tree.items():
            for i in range(self.count):
                name = self.names.stacked_to_flat(module, i)
                if name in flat:
                    raise ValueError(
                        f"Found conflicting unstacked module name for {module} at "
                        f"{name}: stacked_to_flat gives it to two modules or layers."
                    )
                flat[name] = jax.tree.map(lambda x, i=i: x[i], bundle)
        return flat

    def _stacked(self, tree: Any) -> Any:
        """Stacks the values of the single layers, if transparent."""
        if self.names is None:
            return tree
        layers: list[dict[str, Any]] = [{} for _ in range(self.count)]
        for flat_name, bundle in tree.items():
            place = self.names.flat_to_stacked(flat_name)
            if place is None:
                continue
            name, number = place
            stacked = layers[number].setdefault(name, {})
            clash = sorted(set(stacked) & set(bundle))
            if clash:
                raise ValueError(
                    f"Found conflicting values for param {name}/{clash[0]} at index "
                    f"{number}: flat_to_stacked gives this place to two modules."
                )
            stacked.update(bundle)
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *layers)
