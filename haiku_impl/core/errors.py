"""The exceptions that a user of haiku_impl can catch."""


class JaxUsageError(ValueError):
    """A stateful function was called inside a plain JAX transform."""


class MissingRNGError(ValueError):
    """A random key was asked for, but none was passed to init or apply."""


class NonEmptyStateError(ValueError):
    """A function that uses state was transformed without state."""


class StateChangedError(AssertionError):
    """Parameters, state or keys changed where they must not."""
