"""JAX's control flow and transforms for functions that read and write variables."""

import functools
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ParamSpec, TypeVar

import jax
import jax.numpy as jnp

from ...haiku_impl.core import engine
from ...haiku_impl.core.child import commit, run_child, settled
from ...haiku_impl.core.engine import Carried
from ...haiku_impl.core.keys import Token
from ...haiku_impl.core.random import PRNGSequence
from ...haiku_impl.core.typing import Axes, PyTree
from ..core.discovery import discover
from ..core.typing import ArrayLike
from ..random import next_key

P = ParamSpec("P")
T = TypeVar("T")
Carry = TypeVar("Carry")
X = TypeVar("X")
Y = TypeVar("Y")


def remat(
    f: Callable[P, T],
    *,
    policy: Callable[..., Any] | None = None,
    prevent_cse: bool = True,
) -> Callable[P, T]:
    """Makes `f` compute its intermediate values again for its gradient.

    Args:
      f: any function.
      policy: which values are kept all the same, see `jax.checkpoint_policies`.
      prevent_cse: as for `jax.checkpoint`.

    >>> from sonnax import compat as snt
    >>> w = snt.Variable(3.0)
    >>> [float(g) for g in snt.grad(snt.remat(lambda: w * w), [w])()]
    [6.0]
    """

    @functools.wraps(f, updated=())
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        def pure(args: Any) -> Any:
            out, writes, _ = run_child(f, args, kwargs)
            return out, writes

        with settled():
            checkpointed = jax.checkpoint(pure, policy=policy, prevent_cse=prevent_cse)
            out, writes = checkpointed(args)
            # A constant scalar comes out as a literal, which is no array.
            commit(jax.tree.map(jnp.asarray, writes))
        return out

    return wrapped


def cond(
    pred: ArrayLike,
    true_fn: Callable[..., T],
    false_fn: Callable[..., T],
    *operands: PyTree,
) -> T:
    """Calls one of two functions, as a compiled function can: `tf.cond`.

    Args:
      pred: a bool of shape `[]`, or a number, of which all but 0 are true.
      true_fn: called with the operands if `pred` is true.
      false_fn: called if not; it returns the same shapes and dtypes.
      *operands: arguments of both.

    >>> from sonnax import compat as snt
    >>> n = snt.Variable(0, trainable=False)
    >>> _ = snt.cond(True, lambda: n.assign_add(1), lambda: n.value())
    >>> int(n)
    1
    """
    pred = jnp.asarray(pred)
    return switch(pred.astype(bool).astype(int), (false_fn, true_fn), *operands)


def switch(
    index: ArrayLike, branches: Sequence[Callable[..., T]], *operands: PyTree
) -> T:
    """Calls one of several functions, as a compiled function can: `tf.switch_case`.

    Args:
      index: an int of shape `[]`; it is clamped to the branches there are.
      branches: functions that return the same shapes and dtypes.
      *operands: arguments of each.
    """
    # All branches must return the variables that any of them writes.
    written = _union(discover(branch, operands, {}).written for branch in branches)

    carried = Carried(written, _refuse)
    steps = [functools.partial(_branch, carried, branch) for branch in branches]
    with settled():
        out, values = jax.lax.switch(index, steps, carried.values(), operands)
        carried.commit(values)
    return out


def _branch(carried: Carried, branch: Any, values: Any, operands: Any) -> Any:
    return carried.step(branch, values, *operands)


def while_loop(
    cond_fun: Callable[[T], ArrayLike], body_fun: Callable[[T], T], init_val: T
) -> T:
    """Calls `body_fun` for as long as `cond_fun` is true: `tf.while_loop`.

    Args:
      cond_fun: takes the loop's value and returns a bool of shape `[]`; it must not
        assign to variables.
      body_fun: takes the loop's value and returns the next, of the same shapes.
      init_val: an array, or a tree of arrays.

    Returns:
      The last value.

    >>> from sonnax import compat as snt
    >>> n = snt.Variable(0, trainable=False)
    >>> int(snt.while_loop(lambda x: n < 3, lambda x: x + n.assign_add(1), 0)), int(n)
    (6, 3)
    """
    written = discover(body_fun, (init_val,), {}).written

    def refuse_writes(_: Any) -> None:
        raise ValueError(
            "The condition of snt.while_loop assigned to variables or drew random "
            "numbers. Do that in the body."
        )

    init = jax.tree.map(jnp.asarray, init_val)
    carried = Carried(written, _refuse)
    return engine.while_loop(carried, cond_fun, refuse_writes, body_fun, init)


def scan(
    f: Callable[[Carry, X], tuple[Carry, Y]],
    init: Carry,
    xs: X | None = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Carry, Y]:
    """Calls `f` for each step of `xs`, carrying a value and the variables along.

    Args:
      f: `carry, y = f(carry, x)`
      init: the first carry, a tree of arrays.
      xs: a tree of arrays `[length, ...]`, or None.
      length: the number of steps, needed where `xs` is None.
      reverse: whether the last step comes first.
      unroll: how many steps one iteration of the compiled loop does.

    Returns:
      The last carry, and the ys stacked, `[length, ...]`.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> total = snt.Variable(0.0, trainable=False)
    >>> _, ys = snt.scan(lambda c, x: (c, total.assign_add(x)), None, jnp.arange(4.0))
    >>> ys.tolist(), float(total)
    ([0.0, 1.0, 3.0, 6.0], 6.0)
    """

    def first_step(init: Any, xs: Any) -> Any:
        # Where there is no step, one of zeros shows what the others would be.
        zeros = jax.tree.map(lambda x: jnp.zeros(x.shape[1:], x.dtype), xs)
        return f(
            init, jax.tree.map(lambda x, zero: x[0] if len(x) else zero, xs, zeros)
        )

    written = discover(first_step, (init, xs), {}).written

    start = jax.tree.map(jnp.asarray, init)
    return engine.scan(Carried(written, _refuse), f, start, xs, length, reverse, unroll)


def _zeros_like(xs: Any) -> jax.Array:
    return jnp.zeros(xs.shape[1:], xs.dtype)


def vmap(
    f: Callable[P, T],
    in_axes: Axes = 0,
    out_axes: PyTree = 0,
    *,
    axis_name: Hashable | None = None,
    axis_size: int | None = None,
    split_rng: bool = True,
) -> Callable[P, T]:
    """Maps `f` over axes of its arguments; variables are the same for all.

    Args:
      f: a function of arrays. What it assigns to variables must not depend on the
        mapped axes, unless it is reduced over `axis_name`.
      in_axes: as for `jax.vmap`.
      out_axes: as for `jax.vmap`.
      axis_name: as for `jax.vmap`.
      axis_size: as for `jax.vmap`.
      split_rng: whether the elements draw different random numbers.

    Raises:
      ValueError: if a variable is assigned a value that differs along the axes.

    >>> import jax.numpy as jnp
    >>> from sonnax import compat as snt
    >>> w = snt.Variable(2.0)
    >>> snt.vmap(lambda x: w * x)(jnp.arange(3.0)).tolist()
    [0.0, 2.0, 4.0]
    """

    @functools.wraps(f, updated=())
    def wrapped(*args: Any) -> Any:
        outs: list[Any] = []

        def pure(key: Any, *args: Any) -> Any:
            rng = PRNGSequence(key) if split_rng else None
            out, writes, _ = run_child(f, args, rng=rng)
            outs.append(writes.keys)
            return out, writes

        axes = in_axes if isinstance(in_axes, tuple | list) else (in_axes,) * len(args)
        size = axis_size if axis_size is not None else _axis_size(args, axes)
        keys = jax.random.split(next_key(), size) if split_rng else None
        mapped = jax.vmap(
            pure,
            in_axes=(0, *axes),
            out_axes=(out_axes, None),
            axis_name=axis_name,
            axis_size=size,
        )
        try:
            out, writes = mapped(keys, *args)
        except ValueError as error:
            if "out_axes" not in str(error) or not outs or not outs[-1]:
                raise
            names = [key() if isinstance(key, Token) else key for key in outs[-1]]
            raise ValueError(
                "A variable was assigned, inside snt.vmap, a value that differs along "
                f"the mapped axis; assigned were {names}. Reduce it first "
                "(jax.lax.pmean over axis_name), or return it and assign outside."
            ) from error
        commit(writes)
        return out

    return wrapped  # type: ignore[return-value]  # it takes no keywords


def _axis_size(args: Any, axes: Any) -> int:
    sizes: list[int] = []

    def note(axis: Any, subtree: Any) -> None:
        if axis is not None:
            sizes.extend(jnp.shape(leaf)[axis] for leaf in jax.tree.leaves(subtree))

    jax.tree.map(note, tuple(axes), tuple(args), is_leaf=lambda axis: axis is None)
    if not sizes:
        raise ValueError(
            f"snt.vmap maps over no axis: in_axes={axes!r}. Give axis_size, or an axis."
        )
    return sizes[0]


def _union(keys: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(key for each in keys for key in each))


def _refuse(unexpected: list[Any]) -> None:
    if unexpected:
        raise ValueError(
            "A function run by snt's control flow wrote to something that it did not "
            f"write when it was traced first: {unexpected}. Make it do the same each "
            "time it is traced."
        )
