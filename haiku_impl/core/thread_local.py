"""What each thread has of its own, beside functions that can be pickled."""

import threading


class ThreadLocal(threading.local):
    """A global of a module that each thread sees with values of its own.

    It is pickled as its name there: a function that is pickled by value, as those of
    notebooks are, brings the globals that it uses along.

    Args:
      global_name: what the object is called in the module of its class.

    Example:
      >>> class _Depth(ThreadLocal, global_name="depth"):
      ...     value = 0
      >>> depth = _Depth()
      >>> depth.__reduce__()
      'depth'
    """

    _global_name: str

    def __init_subclass__(cls, *, global_name: str):
        cls._global_name = global_name

    def __reduce__(self) -> str:
        return self._global_name
