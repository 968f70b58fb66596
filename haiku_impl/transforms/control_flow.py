"""JAX's control flow for functions that use modules, state and keys.

They are used inside a transformed function. Parameters are read by closure, so they
must exist; state and keys are carried along.
"""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from ..core import engine, frames
from ..core.child import Writes, commit, run_child, snapshot
from ..core.engine import Carried
from ..core.errors import StateChangedError
from ..core.typing import ArrayLike, PyTree
from .stateful import require_transform, wrap_like

T = TypeVar("T")
Carry = TypeVar("Carry")
X = TypeVar("X")
Y = TypeVar("Y")


def _fill_reserve() -> None:
    """Makes the number of reserved keys the same at both ends of a loop's body."""
    rng = frames.thread.frames[-1].rng
    if rng is not None:
        rng.reserve_up_to_full()


def _carried(caller: str) -> Carried:
    """Says what a loop's body hands on: all state, and the random keys."""
    _fill_reserve()

    def refuse(written: Sequence[Any]) -> None:
        # Parameters that are lifted again replace equal ones, and need not come out.
        made = sorted("/".join(key[1:]) for key in written if not key.is_in(_frame()))
        if made:
            raise StateChangedError(
                "New parameters or state were created inside the body of "
                f"hk.{caller}: {made}. They would belong to one step of the loop: make "
                "them in the first step, which `init` runs by itself, or before the "
                "loop."
            )

    keys = snapshot(_frame(), params=False).keys
    return Carried(keys, refuse, _fill_reserve, share_names=False)


def _branch(f: Callable[..., Any], params: bool) -> Callable[..., Any]:
    def body(*operands: Any) -> Any:
        out = f(*operands)
        _fill_reserve()
        return out

    def pure(*operands: Any) -> tuple[Any, Writes]:
        out, _, child = run_child(body, operands, share_names=False)
        return out, snapshot(child, params=params)

    return wrap_like(pure, f)


def _branches(functions: Sequence[Callable[..., Any]]) -> list[Callable[..., Any]]:
    """Wraps branches; what is one function stays one, and so is traced once."""
    params = not _frame().frozen
    wrapped = {id(f): _branch(f, params) for f in functions}
    return [wrapped[id(f)] for f in functions]


def _frame() -> frames.NamedFrame:
    return frames.thread.frames[-1]


def _choose(name: str, choose: Callable[[], tuple[Any, Writes]]) -> Any:
    try:
        out, writes = choose()
    except TypeError as error:
        if not _frame().frozen and "pytree structure" in str(error):
            error.add_note(
                f"Parameters and state that only one branch of hk.{name} makes have no "
                "place in the result of another. During init, call every branch: "
                "`if hk.running_init(): ...` else the conditional."
            )
        raise
    commit(writes)
    return out


def cond(*args: Any, **kwargs: Any) -> Any:
    """Like `jax.lax.cond`, for branches that use modules, state and keys.

    During `init` make the parameters of both branches, by calling them: see
    `running_init`.

    Args:
      pred: a boolean scalar.
      true_fun: called with the operands if it is true.
      false_fun: called with the operands if it is false.
      *operands: arrays or trees of arrays. The older form
        `cond(pred, true_operand, true_fun, false_operand, false_fun)` and one operand
        passed by name, `operand=`, are accepted too.

    Returns:
      What the chosen branch returned.

    Raises:
      ValueError: outside a transformed function.
      TypeError: if the branches differ in what they return, or in the state or
        parameters they make.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f(x):
    ...     return hk.cond(x > 0, lambda x: x, lambda x: -x, x)
    >>> float(hk.transform(f).apply({}, None, -3.0))
    3.0
    """
    require_transform("cond", "jax.lax.cond")
    pred, true_fun, false_fun, operands = _parse_cond(args, kwargs)
    _fill_reserve()
    on_true, on_false = _branches([true_fun, false_fun])
    return _choose("cond", lambda: jax.lax.cond(pred, on_true, on_false, *operands))


cond.__signature__ = inspect.signature(jax.lax.cond)  # type: ignore[attr-defined]

_ABSENT = object()


def _parse_cond(args: Any, kwargs: Any) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    try:
        return _parse_five(*args, **kwargs)
    except TypeError:
        return _parse_operands(*args, **kwargs)


def _parse_five(
    pred: Any, true_operand: Any, true_fun: Any, false_operand: Any, false_fun: Any
) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    if not callable(true_fun) or not callable(false_fun):
        raise TypeError("These are the arguments of the newer form, with two operands.")
    return (
        pred,
        lambda ours, _: true_fun(ours),
        lambda _, ours: false_fun(ours),
        (true_operand, false_operand),
    )


def _parse_operands(
    pred: Any,
    true_fun: Any,
    false_fun: Any,
    *operands: Any,
    operand: Any = _ABSENT,
) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    if operand is not _ABSENT:
        if operands:
            raise ValueError(
                "If `operand` is passed by name you cannot also pass operands "
                f"positionally; got operand={operand!r} and operands {operands!r}."
            )
        operands = (operand,)
    return pred, true_fun, false_fun, operands


def switch(
    index: ArrayLike, branches: Sequence[Callable[..., T]], *operands: PyTree
) -> T:
    """Like `jax.lax.switch`, for branches that use modules, state and keys.

    During `init` make the parameters of all branches, by calling them: see
    `running_init`.

    Args:
      index: an integer scalar.
      branches: the functions to choose from.
      *operands: what the chosen one is called with.

    Returns:
      What the chosen branch returned.

    Raises:
      ValueError: outside a transformed function.
      TypeError: if the branches differ in what they return, or in the state or
        parameters they make.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda i, x: hk.switch(i, [jnp.sin, jnp.square], x))
    >>> float(f.apply({}, None, 1, 3.0))
    9.0
    """
    require_transform("switch", "jax.lax.switch")
    _fill_reserve()
    wrapped = _branches(branches)
    return _choose("switch", lambda: jax.lax.switch(index, wrapped, *operands))


def scan(
    f: Callable[[Carry, X], tuple[Carry, Y]],
    init: Carry,
    xs: X,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
) -> tuple[Carry, Y]:
    """Like `jax.lax.scan`, for a function that uses modules, state and keys.

    During `init` the first step is run by itself, so that it can make parameters.

    Args:
      f: `f(carry, x)` returns the next carry and an output.
      init: the first carry.
      xs: a tree of arrays `[length, ...]`.
      length: how many steps; needed only if `xs` has no arrays.
      reverse: whether to run from the last element to the first, default False.
      unroll: how many steps are one iteration of the compiled loop, default 1.

    Returns:
      The last carry, and the outputs `[length, ...]`.

    Raises:
      ValueError: outside a transformed function.
      StateChangedError: if a later step makes parameters.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def f(xs):
    ...     core = hk.Linear(1)
    ...     return hk.scan(lambda c, x: (core(c + x), c), jnp.zeros([1]), xs)
    >>> f = hk.transform(f)
    >>> xs = jnp.ones([5, 1])
    >>> params = f.init(jax.random.PRNGKey(0), xs)
    >>> carry, ys = f.apply(params, None, xs)
    >>> carry.shape, ys.shape
    ((1,), (5, 1))
    """
    frame = require_transform("scan", "jax.lax.scan")
    if length is None:
        length = jax.tree.leaves(xs)[0].shape[0]
    if frame.frozen:
        return engine.scan(_carried("scan"), f, init, xs, length, reverse, unroll)

    if not length:
        x = jax.tree.map(lambda x: jnp.zeros(x.shape[1:], x.dtype), xs)
        _, y = f(init, x)
        return init, jax.tree.map(lambda y: jnp.zeros((0, *y.shape), y.dtype), y)

    first, rest = (-1, slice(None, -1)) if reverse else (0, slice(1, None))
    carry, y = f(init, jax.tree.map(lambda x: x[first], xs))
    y = jax.tree.map(lambda y: jnp.expand_dims(y, 0), y)
    if length == 1:
        return carry, y
    rest_of_xs = jax.tree.map(lambda x: x[rest], xs)
    options = length - 1, reverse, unroll
    carry, ys = engine.scan(_carried("scan"), f, carry, rest_of_xs, *options)
    order = (lambda y, ys: [ys, y]) if reverse else (lambda y, ys: [y, ys])
    return carry, jax.tree.map(lambda y, ys: jnp.concatenate(order(y, ys)), y, ys)


def map(f: Callable[[X], Y], xs: X) -> Y:
    """Like `jax.lax.map`, for a function that uses modules, state and keys.

    Args:
      f: called with one element after another.
      xs: a tree of arrays `[length, ...]`.

    Returns:
      The results, `[length, ...]`.

    Raises:
      ValueError: outside a transformed function.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda xs: hk.map(jnp.square, xs))
    >>> f.apply({}, None, jnp.arange(3)).tolist()
    [0, 1, 4]
    """
    return scan(lambda _, x: ((), f(x)), (), xs)[1]


def fori_loop(
    lower: int | jax.Array,
    upper: int | jax.Array,
    body_fun: Callable[[Any, T], T],
    init_val: T,
) -> T:
    """Like `jax.lax.fori_loop`, for a body that uses modules, state and keys.

    During `init` the first step is run by itself, so that it can make parameters.

    Args:
      lower: the first index, an integer scalar.
      upper: the index after the last.
      body_fun: `body_fun(i, value)` returns the next value.
      init_val: the first value.

    Returns:
      The last value.

    Raises:
      ValueError: outside a transformed function.
      StateChangedError: if a later step makes parameters.

    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.fori_loop(0, 3, lambda i, x: x + i, x))
    >>> int(f.apply({}, None, 10))
    13
    """
    frame = require_transform("fori_loop", "jax.lax.fori_loop")
    if not frame.frozen:
        init_val = body_fun(lower, init_val)
        lower = lower + 1
        try:
            if upper - lower == 0:
                return init_val
        except jax.errors.ConcretizationTypeError:
            pass  # Traced bounds: the loop itself finds out.

    return engine.fori_loop(_carried("fori_loop"), lower, upper, body_fun, init_val)


def while_loop(
    cond_fun: Callable[[T], ArrayLike], body_fun: Callable[[T], T], init_val: T
) -> T:
    """Like `jax.lax.while_loop`, for a body that uses modules, state and keys.

    Args:
      cond_fun: `cond_fun(value)` says whether to go on. It may read state.
      body_fun: `body_fun(value)` returns the next value.
      init_val: the first value.

    Returns:
      The last value.

    Raises:
      ValueError: outside a transformed function; during `init`; if `cond_fun` sets
        state or draws keys.

    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: hk.while_loop(lambda x: x < 9, lambda x: 2 * x, x))
    >>> int(f.apply({}, None, 1))
    16
    """
    frame = require_transform("while_loop", "jax.lax.while_loop")
    if not frame.frozen:
        raise ValueError(
            "hk.while_loop does not support initialization, since it can't be known "
            "whether the body runs at all. Run it once by itself:\n\n"
            "    if hk.running_init():\n"
            "      value = body_fun(value)\n"
            "    else:\n"
            "      value = hk.while_loop(cond_fun, body_fun, value)\n"
        )

    def refuse_writes(written: Sequence[Any]) -> None:
        changed = ["/".join(filter(None, key)) for key in written]
        raise ValueError(
            "`hk.while_loop` does not support `hk.set_state`, `hk.next_rng_key` "
            f"(et al) in `cond_fun`, which changed {changed}. Do it in the body, "
            "and pass what the condition needs in the value."
        )

    carried = _carried("while_loop")
    return engine.while_loop(carried, cond_fun, refuse_writes, body_fun, init_val)
