"""Settings of haiku_impl; each thread has its own."""

import contextlib
import dataclasses
from collections.abc import Iterator

from .core.thread_local import ThreadLocal


@dataclasses.dataclass
class Config:
    """The settings in force.

    Attributes:
      check_jax_usage: refuse stateful calls inside plain JAX transforms.
      module_auto_repr: give modules a repr made of their constructor arguments.
      restore_flatmap: unpickle old parameter files into `FlatMap`s, not dicts.
      rng_reserve_size: how many keys one split yields.
    """

    check_jax_usage: bool = False
    module_auto_repr: bool = True
    restore_flatmap: bool = False
    rng_reserve_size: int = 1


# Threads begin with a copy of what the importing thread has set.
_first_thread = Config()


class _Thread(ThreadLocal, global_name="_thread"):
    def __init__(self) -> None:
        self.config = dataclasses.replace(_first_thread)


_thread = _Thread()
_thread.config = _first_thread


def get_config() -> Config:
    """Returns the settings of the current thread, as a live object."""
    return _thread.config


def _given(**options: bool | int | None) -> dict[str, bool | int]:
    return {name: value for name, value in options.items() if value is not None}


def set(
    *,
    check_jax_usage: bool | None = None,
    module_auto_repr: bool | None = None,
    restore_flatmap: bool | None = None,
    rng_reserve_size: int | None = None,
) -> None:
    """Changes the settings that are given, for the current thread.

    Args:
      check_jax_usage: refuse stateful calls inside plain JAX transforms.
      module_auto_repr: give modules a repr made of their constructor arguments.
      restore_flatmap: unpickle old parameter files into `FlatMap`s.
      rng_reserve_size: how many keys one split yields; other sizes give other
        keys.

    >>> from sonnax import haiku_impl as hk
    >>> hk.config.set(rng_reserve_size=1)
    """
    options = _given(
        check_jax_usage=check_jax_usage,
        module_auto_repr=module_auto_repr,
        restore_flatmap=restore_flatmap,
        rng_reserve_size=rng_reserve_size,
    )
    for name, value in options.items():
        setattr(_thread.config, name, value)


@contextlib.contextmanager
def assign(**options: bool | int) -> Iterator[None]:
    """Changes settings by name while the context is active."""
    config = _thread.config
    previous = {name: getattr(config, name) for name in options}
    for name, value in options.items():
        setattr(config, name, value)
    try:
        yield
    finally:
        for name, value in previous.items():
            setattr(config, name, value)


def context(
    *,
    check_jax_usage: bool | None = None,
    module_auto_repr: bool | None = None,
    restore_flatmap: bool | None = None,
    rng_reserve_size: int | None = None,
) -> contextlib.AbstractContextManager[None]:
    """Changes the settings that are given while the context is active.

    Args:
      check_jax_usage: as for `set`.
      module_auto_repr: as for `set`.
      restore_flatmap: as for `set`.
      rng_reserve_size: as for `set`.

    >>> from sonnax import haiku_impl as hk
    >>> with hk.config.context(rng_reserve_size=8):
    ...     hk.config.get_config().rng_reserve_size
    8
    """
    return assign(
        **_given(
            check_jax_usage=check_jax_usage,
            module_auto_repr=module_auto_repr,
            restore_flatmap=restore_flatmap,
            rng_reserve_size=rng_reserve_size,
        )
    )


def _exchange(name: str, value: bool | int) -> bool | int:
    previous = getattr(_thread.config, name)
    setattr(_thread.config, name, value)
    return previous


def check_jax_usage(enabled: bool = True) -> bool:
    """Turns the check of plain JAX transforms on or off; returns what it was.

    Args:
      enabled: whether stateful calls inside plain JAX transforms are refused.

    >>> from sonnax import haiku_impl as hk
    >>> before = hk.experimental.check_jax_usage(True)
    >>> hk.experimental.check_jax_usage(before)
    True
    """
    return bool(_exchange("check_jax_usage", enabled))


def module_auto_repr(enabled: bool) -> bool:
    """Turns the repr made of constructor arguments on or off; returns what it was.

    A class with `AUTO_REPR = False` goes without it in any case.

    Args:
      enabled: whether modules made from now on have it.
    """
    return bool(_exchange("module_auto_repr", enabled))


def rng_reserve_size(size: int) -> int:
    """Sets how many keys one split yields; returns what it was.

    Args:
      size: at least 1; other sizes give other keys.

    Raises:
      ValueError: if it is less.
    """
    if size <= 0:
        raise ValueError(
            f"RNG reserve size {size} is too small: it must be at least 1."
        )
    return int(_exchange("rng_reserve_size", size))
