"""Parameters and state of the transformed function that is running."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from ..config import get_config
from ..data_structures import to_haiku_dict
from . import frames
from .errors import MissingRNGError
from .frames import NamedFrame, thread
from .hooks import DO_NOT_STORE, GetterContext, SetterContext, run_chain, run_creators
from .random import check_trace
from .typing import (
    DTypeLike,
    Initializer,
    MutableParams,
    MutableState,
    PyTree,
    StatePair,
)


def current_name() -> str:
    """Returns the name of the running module or name scope, `"~"` outside any.

    >>> from sonnax import haiku_impl as hk
    >>> hk.testing.transform_and_run(hk.current_name)()
    '~'
    """
    return _bundle_name(frames.current("current_name"))


def _bundle_name(frame: NamedFrame) -> str:
    module = frame.scopes[-1].module
    return "~" if module is None else owner_name(module)


def owner_name(module: Any) -> str:
    """Returns the whole name of a module that may own parameters here.

    Raises:
      ValueError: if its constructor has not run, or if it was made outside a
        function that is being lifted or stacked.
    """
    try:
        name = module.module_name
    except AttributeError:
        raise ValueError(
            "The super constructor must be called first, since the names of parameters "
            "and submodules begin with the module's: add "
            "`super().__init__(name=name)` at the top of "
            f"{type(module).__name__}.__init__."
        ) from None
    boundaries = thread.closure_boundaries
    if boundaries and module._creation_frame_id < boundaries[-1]:
        raise ValueError(
            "You can't functionally close over a module which was made outside of "
            "the function wrapped in hk.transparent_lift or hk.layer_stack: "
            f"{name!r} was. Make it inside that function."
        )
    return name


def _lifted_prefix() -> str | None:
    if thread.frames[-1].frozen:
        return None
    # Keyed by the module, since the frames of one call share their scopes.
    prefixes = {
        id(module): prefix
        for frame in thread.frames
        if (module := frame.scopes[-1].module) is not None
        and (prefix := getattr(module, "_lifts_under", None))
    }
    return "/".join(prefixes.values()) + "/" if prefixes else None


def _fail_without_init(shape: Sequence[int], dtype: Any) -> jax.Array:
    raise ValueError(
        "Initializer must be specified: there is no value for this parameter yet, and "
        "get_parameter was called without `init`."
    )


def get_parameter(
    name: str,
    shape: Sequence[int],
    dtype: DTypeLike | None = None,
    init: Initializer | None = None,
) -> jax.Array:
    """Returns a parameter of the running module, making it during `init`.

    Args:
      name: the parameter's name within its module.
      shape: its shape.
      dtype: its dtype, float32 if None.
      init: `init(shape, dtype)` gives the initial value.

    Returns:
      The parameter, of the given shape; getters may have changed its dtype.

    Raises:
      ValueError: outside a transformed function; if `apply` meets a parameter
        that `init` did not make; if the shape is another one; if there is no
        initialiser and no value.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> f = hk.transform(lambda x: x + hk.get_parameter("b", [2], init=jnp.ones))
    >>> params = f.init(None, jnp.zeros([2]))
    >>> params
    {'~': {'b': Array([1., 1.], dtype=float32)}}
    """
    frame = frames.current("get_parameter")
    if get_config().check_jax_usage:
        check_trace(frame, "get_parameter")
    bundle_name = _bundle_name(frame)
    bundle = frame.params.get(bundle_name)
    param = None if bundle is None else bundle.get(name)

    if param is None or thread.param_getters:
        context = GetterContext(
            f"{bundle_name}/{name}",
            frame.scopes[-1].module,
            jnp.float32 if dtype is None else dtype,
            shape,
            init or _fail_without_init,
            _lifted_prefix(),
        )
        if param is None:
            param = _new_parameter(frame, bundle_name, name, context)
        if thread.param_getters:
            param = run_chain(thread.param_getters, context, param)
        if param is None:
            raise ValueError(
                f"Parameters cannot be `None`: a creator, getter or initialiser of "
                f"{context.full_name!r} returned None."
            )

    if param.shape != tuple(shape):
        raise ValueError(
            f"{bundle_name + '/' + name!r} with retrieved shape {param.shape!r} does "
            f"not match shape={shape!r} dtype={dtype!r}: the parameters passed in were "
            "made for another input or another model."
        )
    return param


def _new_parameter(
    frame: NamedFrame, bundle_name: str, name: str, context: GetterContext
) -> Any:
    _, _, dtype, shape, init, _ = context
    assert init is not None
    missing = ValueError(
        f"Unable to retrieve parameter {name!r} for module {bundle_name!r}: all "
        "parameters must be created as part of `init`. The parameters passed in have "
        f"{sorted(frame.params.get(bundle_name, {})) or 'nothing'} for that module, "
        f"and the modules {sorted(frame.params)}."
    )
    try:
        if thread.param_creators:
            param = run_creators(thread.param_creators, context, shape, dtype, init)
        else:
            param = init(shape, dtype)
    except MissingRNGError as error:
        if frame.frozen:
            raise missing from error
        raise
    if param is not DO_NOT_STORE:
        if frame.frozen:
            raise missing
        if param is not None:
            frame.params.setdefault(bundle_name, {})[name] = param
    return param


def get_state(
    name: str,
    shape: Sequence[int] | None = None,
    dtype: DTypeLike = jnp.float32,
    init: Initializer | None = None,
) -> Any:
    """Returns a piece of state of the running module, making it if there is none.

    Args:
      name: its name within the module.
      shape: its shape; not needed where it exists.
      dtype: its dtype, float32 by default.
      init: `init(shape, dtype)` gives the initial value.

    Returns:
      The value set last, else the one passed to `apply`, else the initial value.

    Raises:
      ValueError: outside a transformed function, or if there is no value and no
        way to make one.

    >>> import jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def count():
    ...     n = hk.get_state("n", [], jnp.int32, jnp.zeros)
    ...     hk.set_state("n", n + 1)
    ...     return n
    >>> f = hk.transform_with_state(count)
    >>> params, state = f.init(None)
    >>> _, state = f.apply(params, state, None)
    >>> state
    {'~': {'n': Array(1, dtype=int32)}}
    """
    frame = frames.current("get_state")
    check_trace(frame, "get_state")
    bundle_name = _bundle_name(frame)
    pair = frame.state.get(bundle_name, {}).get(name)
    value = None if pair is None else pair.current
    if pair is None or thread.state_getters:
        context = GetterContext(
            f"{bundle_name}/{name}",
            frame.scopes[-1].module,
            dtype,
            shape,  # type: ignore[arg-type]
            init,
            _lifted_prefix(),
        )
        if pair is None:
            value = _new_state(frame, bundle_name, name, context)
        if thread.state_getters:
            value = run_chain(thread.state_getters, context, value)
    return value


def _new_state(
    frame: NamedFrame, bundle_name: str, name: str, context: GetterContext
) -> Any:
    _, _, dtype, shape, init, _ = context
    if init is None:
        raise ValueError(
            f"No value for {name!r} in {bundle_name!r}, perhaps set an init function? "
            "Nothing has set this state yet, and none was passed in."
        )
    if shape is None or dtype is None:
        raise ValueError(
            f"Must provide shape and dtype to initialize {name!r} in {bundle_name!r}; "
            f"got shape={shape!r}, dtype={dtype!r}."
        )
    if thread.state_creators:
        value = run_creators(thread.state_creators, context, shape, dtype, init)
    else:
        value = init(shape, dtype)
    if value is not DO_NOT_STORE:
        frame.state.setdefault(bundle_name, {})[name] = StatePair(value, value)
    return value


def set_state(name: str, value: PyTree) -> None:
    """Sets a piece of state of the running module.

    Args:
      name: its name within the module.
      value: an array or a tree of arrays.

    Raises:
      ValueError: outside a transformed function.
    """
    frame = frames.current("set_state")
    check_trace(frame, "set_state")
    bundle_name = _bundle_name(frame)
    if thread.state_setters:
        shape, dtype = (
            jax.tree.map(
                lambda leaf, attribute=a: getattr(leaf, attribute, None), value
            )
            for a in ("shape", "dtype")
        )
        context = SetterContext(
            f"{bundle_name}/{name}",
            frame.scopes[-1].module,
            dtype,
            shape,
            _lifted_prefix(),
        )
        value = run_chain(thread.state_setters, context, value)
        if value is DO_NOT_STORE:
            return
    bundle = frame.state.setdefault(bundle_name, {})
    initial = bundle[name].initial if name in bundle else value
    bundle[name] = StatePair(initial, value)


def params_frozen() -> bool:
    """Returns whether parameters are fixed: True in `apply`, False in `init`."""
    return frames.current("params_frozen").frozen


def running_init() -> bool:
    """Returns whether `init` is running, as opposed to `apply`.

    A module rarely needs to know; where JAX control flow picks one of several
    branches, `init` must visit them all.

    >>> from sonnax import haiku_impl as hk
    >>> def f():
    ...     print(hk.running_init())
    >>> f = hk.transform(f)
    >>> _ = f.apply(f.init(None), None)
    True
    False
    """
    return not frames.current("running_init").frozen


def get_params() -> MutableParams:
    """Returns a copy of the parameters: so far in `init`, all of them in `apply`.

    Neither getters nor initialisers run.
    """
    return to_haiku_dict(frames.current("get_params").params or {})


def get_initial_state() -> MutableState:
    """Returns a copy of the state as it was first: passed in, or first set."""
    return collect_state(frames.current("get_initial_state").state, "initial")


def get_current_state() -> MutableState:
    """Returns a copy of the state as it is now."""
    return collect_state(frames.current("get_current_state").state, "current")


def collect_state(state: Mapping[str, Any] | None, which: str) -> MutableState:
    """Returns `{module: {name: value}}` of the `initial` or `current` values."""
    return to_haiku_dict(
        {
            module: {name: getattr(pair, which) for name, pair in bundle.items()}
            for module, bundle in (state or {}).items()
            if bundle
        }
    )
