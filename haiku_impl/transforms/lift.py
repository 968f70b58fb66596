"""Registering what an inner transformed function makes in the outer one."""

from collections.abc import Callable, Mapping
from typing import Any

from ..core import frames
from ..core.errors import NonEmptyStateError
from ..core.frames import thread
from ..core.module import Module
from ..core.parameters import collect_state, current_name
from ..core.typing import MutableParams, MutableState, Params, State, StatePair
from ..data_structures import to_haiku_dict

Initialised = tuple[MutableParams, MutableState]


class LiftedModule(Module):
    """Holds the place of an inner function among the modules of the outer one."""

    def __init__(
        self,
        init_fn: Callable[..., tuple[Params, State]],
        transparent: bool = False,
        allow_reuse: bool = False,
        name: str = "lifted",
    ):
        super().__init__(name=name)
        self._init_fn = init_fn
        self._allow_reuse = allow_reuse
        # Read by get_parameter, for the names it gives to creators.
        self._lifts_under = (
            self.module_name.rpartition("/")[0] if transparent else self.module_name
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Initialised:
        frame: frames.NamedFrame = thread.frames[-1]
        prefix = self._lifts_under and f"{self._lifts_under}/"
        if frame.frozen:
            state = collect_state(_cut(frame.state, prefix), "current")
            return to_haiku_dict(_cut(frame.params, prefix)), state

        params, new_state = self._init_fn(*args, **kwargs)
        pairs = {
            module: {name: StatePair(value, value) for name, value in bundle.items()}
            for module, bundle in new_state.items()
        }
        self._put(frame.params, prefix, params)
        self._put(frame.state, prefix, pairs)
        return params, new_state  # type: ignore[return-value]

    def _put(self, tree: dict[str, Any], prefix: str, inner: Mapping[str, Any]) -> None:
        for module, bundle in inner.items():
            name = prefix + module
            if name in tree and not self._allow_reuse:
                raise ValueError(
                    f"Key '{name}' already exists in the destination params: what is "
                    "lifted can't re-use a parameter already defined in the outer "
                    "function by accident. Give the lift another `name`, or pass "
                    "allow_reuse=True."
                )
            tree.setdefault(name, {}).update(bundle)


def _cut(tree: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        module[len(prefix) :]: bundle
        for module, bundle in tree.items()
        if module.startswith(prefix)
    }


class LiftWithStateUpdater:
    """Takes the new state of a lifted function back to the outer one.

    Exactly one of its methods must be called, once.
    """

    __slots__ = ("_call", "_name", "_used")

    def __init__(self, name: str | None):
        """Makes an updater for the running transformed function.

        Args:
          name: what stands before the names of modules outside, or None.
        """
        self._name = name
        self._used = False
        # The frames of one call share this list, and only they do.
        self._call = frames.current("LiftWithStateUpdater").on_exit
        self._call.append(self.assert_used)

    def assert_used(self) -> None:
        """Raises ValueError unless one of the other methods was called."""
        if not self._used:
            raise ValueError(
                "The LiftWithStateUpdater that `lift_with_state` returned must be "
                "used: call `.update(state)` with the new state, or "
                "`.ignore_update()`, before the transformed function ends."
            )

    def _use(self) -> frames.NamedFrame:
        if self._used:
            raise ValueError(
                "The state updater must only be used once: call lift_with_state again "
                "for another update."
            )
        if not frames.inside_transform():
            raise ValueError(
                "The state updater must be used inside hk.transform_with_state: in the "
                "function that called lift_with_state."
            )
        frame = thread.frames[-1]
        if frame.on_exit is not self._call:
            raise ValueError(
                "The state updater must be used within the same call to init/apply as "
                "the lift_with_state that returned it."
            )
        self._used = True
        return frame

    def ignore_update(self) -> None:
        """Leaves the outer state as it is.

        Raises:
          ValueError: if the updater was used, or in another call of `init` or `apply`.
        """
        self._use()

    def update(self, state: State) -> None:
        """Sets the outer state.

        Args:
          state: the new state of the inner function, `{module: {name: value}}`.

        Raises:
          ValueError: if the updater was used, or in another call of `init` or `apply`.
        """
        outer = self._use().state
        for module, bundle in state.items():
            pairs = outer.setdefault(
                f"{self._name}/{module}" if self._name else module, {}
            )
            for name, value in bundle.items():
                initial = pairs[name].initial if name in pairs else value
                pairs[name] = StatePair(initial, value)


def lift(
    init_fn: Callable[..., Params], *, allow_reuse: bool = False, name: str = "lifted"
) -> Callable[..., MutableParams]:
    """Makes the parameters of an inner transformed function parameters of the outer.

    It is for JAX transforms that change the parameters themselves, such as a `jax.vmap`
    over a model's parameters. Where they are shared `hk.vmap` and the like are simpler.

    Args:
      init_fn: the `init` of `hk.transform(f)`, perhaps transformed.
      allow_reuse: whether to accept names that exist outside, default False.
      name: what stands before the names of modules outside, default `"lifted"`.

    Returns:
      A function that during `init` calls `init_fn` and registers what it returns, and
      during `apply` finds the parameters. Either way it returns them.

    Raises:
      ValueError: outside a transformed function; when called, if names clash.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> member = hk.transform(lambda x: hk.Linear(2)(x))
    >>> def ensemble(x):
    ...     keys = hk.next_rng_keys(5) if hk.running_init() else None
    ...     init = jax.vmap(member.init, in_axes=(0, None))
    ...     params = hk.lift(init, name="ensemble")(keys, x)
    ...     return jax.vmap(member.apply, in_axes=(0, None, None))(params, None, x)
    >>> f = hk.transform(ensemble)
    >>> params = f.init(jax.random.PRNGKey(0), jnp.ones([1, 3]))
    >>> jax.tree.map(jnp.shape, params)
    {'ensemble/linear': {'b': (5, 2), 'w': (5, 3, 2)}}
    """
    frames.current("lift")
    both, updater = lift_with_state(
        _stateless(init_fn), allow_reuse=allow_reuse, name=name
    )
    updater.ignore_update()
    return lambda *args, **kwargs: both(*args, **kwargs)[0]


def lift_with_state(
    init_fn: Callable[..., tuple[Params, State]],
    *,
    allow_reuse: bool = False,
    name: str = "lifted",
) -> tuple[Callable[..., Initialised], LiftWithStateUpdater]:
    """Like `lift`, for an inner function that has state.

    Args:
      init_fn: the `init` of `hk.transform_with_state(f)`, perhaps transformed.
      allow_reuse: as for `lift`.
      name: as for `lift`.

    Returns:
      A function that returns parameters and state, and an updater, which must be given
      the new state that comes out of the inner `apply`.

    Raises:
      ValueError: outside a transformed function; when called, if names clash; if the
        updater is not used, or used twice.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> def count():
    ...     n = hk.get_state("n", [], init=jnp.zeros)
    ...     hk.set_state("n", n + 1)
    >>> inner = hk.transform_with_state(count)
    >>> def outer():
    ...     init, updater = hk.lift_with_state(inner.init, name="inner")
    ...     params, state = init(None)
    ...     updater.update(inner.apply(params, state, None)[1])
    >>> f = hk.transform_with_state(outer)
    >>> f.apply(*f.init(None), None)[1]
    {'inner/~': {'n': Array(1., dtype=float32)}}
    """
    frames.current("lift_with_state")
    module = LiftedModule(init_fn, allow_reuse=allow_reuse, name=name)
    inside_module = thread.frames[-1].scopes[-1].module is not None
    prefix = f"{current_name()}/{name}" if inside_module else name
    return _only_callable(module), LiftWithStateUpdater(prefix)


def transparent_lift(
    init_fn: Callable[..., Params], *, allow_reuse: bool = False
) -> Callable[..., MutableParams]:
    """Like `lift`, with nothing put before the names of modules.

    Modules made outside can't be used in the inner function.

    Args:
      init_fn: as for `lift`.
      allow_reuse: as for `lift`.

    Returns:
      As `lift` does.

    Raises:
      ValueError: outside a transformed function; when called, if names clash, or if
        the inner function uses a module made outside it.

    >>> import jax, jax.numpy as jnp
    >>> from sonnax import haiku_impl as hk
    >>> inner = hk.transform(lambda x: hk.Linear(2)(x))
    >>> def outer(x):
    ...     params = hk.transparent_lift(inner.init)(hk.maybe_next_rng_key(), x)
    ...     return inner.apply(params, None, x)
    >>> list(hk.transform(outer).init(jax.random.PRNGKey(0), jnp.ones([1, 1])))
    ['linear']
    """
    frames.current("transparent_lift")
    module = LiftedModule(
        _stateless(init_fn), transparent=True, allow_reuse=allow_reuse
    )

    def params(*args: Any, **kwargs: Any) -> MutableParams:
        boundary = frames.current("transparent_lift").id + 1
        with frames.pushed(thread.closure_boundaries, boundary):
            return module(*args, **kwargs)[0]

    return params


def transparent_lift_with_state(
    init_fn: Callable[..., tuple[Params, State]], *, allow_reuse: bool = False
) -> tuple[Callable[..., Initialised], LiftWithStateUpdater]:
    """Like `lift_with_state`, with nothing put before the names of modules.

    Args:
      init_fn: as for `lift_with_state`.
      allow_reuse: as for `lift`.

    Returns:
      As `lift_with_state` does.

    Raises:
      ValueError: outside a transformed function; when called, if names clash; if the
        updater is not used, or used twice.
    """
    frames.current("transparent_lift_with_state")
    module = LiftedModule(init_fn, transparent=True, allow_reuse=allow_reuse)
    inside_module = thread.frames[-1].scopes[-1].module is not None
    prefix = current_name() if inside_module else None
    return _only_callable(module), LiftWithStateUpdater(prefix)


def _only_callable(module: LiftedModule) -> Callable[..., Initialised]:
    return lambda *args, **kwargs: module(*args, **kwargs)


def _stateless(init_fn: Callable[..., Params]) -> Callable[..., tuple[Params, State]]:
    def init(*args: Any, **kwargs: Any) -> tuple[Params, State]:
        params = init_fn(*args, **kwargs)
        if not isinstance(params, Mapping):
            raise NonEmptyStateError(
                "`hk.lift` and `hk.transparent_lift` take an init function that "
                "returns parameters only; this one returned a "
                f"{type(params).__name__}. For stateful lifted functions use "
                "`hk.lift_with_state`."
            )
        return params, {}

    return init
