"""Variables: named arrays that can be assigned to."""

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from ...haiku_impl.core import cells
from ...haiku_impl.core.frames import thread
from ...haiku_impl.core.keys import Token
from .dtypes import as_array, as_dtype
from .indexed_slices import IndexedSlices
from .naming import variable_names
from .reference import Reference
from .typing import ArrayLike, DTypeLike
from .waiting import find_items

T = TypeVar("T")

# What belongs to one process, or can be found again.
_NOT_PICKLED = frozenset({"token", "_initial", "slot_of"})


def _operand(other: Any) -> Any:
    return other.value() if isinstance(other, Variable) else other


def _unary(function: Callable[[Any], T]) -> Callable[["Variable"], T]:
    return lambda self: function(self.value())


def _binary(
    function: Callable[[Any, Any], Any],
) -> Callable[["Variable", ArrayLike], jax.Array]:
    return lambda self, other: function(self.value(), _operand(other))


def _reflected(
    function: Callable[[Any, Any], Any],
) -> Callable[["Variable", ArrayLike], jax.Array]:
    return lambda self, other: function(_operand(other), self.value())


class Variable(cells.Cell):
    """A named array that can be assigned to, in the place of `tf.Variable`.

    Outside any transform it holds a concrete `jax.Array`. Inside `snt.jit`,
    `snt.grad`, ... and inside a pure function its value is that function's. It is
    accepted wherever `jnp` takes an array, and is hashable by identity; `==`
    compares element by element.

    Args:
      initial_value: an array, a number, nested lists, or a function without
        arguments that returns one of them. A function is called only where the
        value is needed, which `apply` of a pure function never does.
      trainable: whether it is among the trainable variables (the parameters).
      name: its name; the active name scope is put before it and `:0` behind.
      dtype: its dtype, by default that of the value; Python's floats are float32.
      shape: the shape that the value must have, any if None.
      constraint: a function applied by optimizers that know it; kept as it is.
      synchronization: kept for `snt.distribute`.
      aggregation: kept for `snt.distribute`.

    Raises:
      ValueError: if there is no initial value, or it has another shape.

    >>> from sonnax import compat as snt
    >>> v = snt.Variable([1.0, 2.0], name="v")
    >>> v.assign_add([1.0, 1.0]).tolist()
    [2.0, 3.0]
    >>> v
    <snt.Variable 'v:0' shape=(2,) dtype=float32, numpy=array([2., 3.], dtype=float32)>
    """

    __array_priority__ = 100

    # A reference to the variable for which an optimizer keeps this one.
    slot_of: Token | None = None
    _is_new = False

    def __init__(
        self,
        initial_value: ArrayLike | Callable[[], ArrayLike] | None = None,
        trainable: bool = True,
        *,
        name: str | None = None,
        dtype: DTypeLike | None = None,
        shape: Sequence[int] | None = None,
        constraint: Callable[[Any], Any] | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
    ):
        if initial_value is None:
            raise ValueError(
                f"The variable {name or 'Variable'!r} needs an initial value: pass an "
                "array, or a function that returns one."
            )
        self.name, key = variable_names(name or "Variable")
        super().__init__(key, bool(trainable))
        # JAX narrows 64 bits to 32 unless jax_enable_x64 is set; files keep the width.
        self.declared_dtype = None if dtype is None else as_dtype(dtype)
        self.constraint = constraint
        self.synchronization = synchronization
        self.aggregation = aggregation

        def initial() -> Any:
            value = initial_value() if callable(initial_value) else initial_value
            value = as_array(value, dtype)
            # What is assigned later is not weakly typed, and would compile anew.
            weak = getattr(value, "weak_type", False)
            return jnp.asarray(value, value.dtype) if weak else value

        if isinstance(initial_value, jax.core.Tracer):
            # A value of this trace cannot be made again in another.
            made = initial()
            value = cells.create(self, lambda: made)
            self._initial = None
        else:
            value = cells.create(self, initial)
        if shape is not None and value.shape != tuple(shape):
            raise ValueError(
                f"The value of {self.name!r} has shape {value.shape}, but "
                f"shape={tuple(shape)} was asked for."
            )
        self.shape: tuple[int, ...] = value.shape
        self.dtype: np.dtype = value.dtype
        self.declared_dtype = self.declared_dtype or value.dtype
        self._is_new = bool(thread.watched)

    # Reading.

    def value(self) -> jax.Array:
        """Returns the value.

        Raises:
          ValueError: if the variable has none here; the message says why.
        """
        if self._is_new:
            # It may be an item of a container for which values wait.
            self._is_new = False
            find_items()
        return cells.read(self)

    read_value = value

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def device(self) -> Any:
        return self.value().device

    def get_shape(self) -> tuple[int, ...]:
        return self.shape

    def numpy(self) -> np.ndarray:
        """Returns the value as a NumPy array.

        Raises:
          jax.errors.TracerArrayConversionError: inside a traced function.
        """
        return np.asarray(self.value())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.value(), dtype=dtype, copy=copy)

    def __jax_array__(self) -> jax.Array:
        return self.value()

    def without_value(self) -> Exception:
        where = (
            "Another transformed function made it: a variable's value lives only "
            "inside the function in which the variable is created. Make the module "
            "inside this function too, or call it once before the transforms, so that "
            "its variables have values of their own."
            if thread.frames
            else "It was made inside a transformed function and is read outside: find "
            "its value in what that function's init returned, or call the module once "
            "outside any transform, so that its variables have values of their own."
        )
        return ValueError(f"The variable {self.name!r} has no value here. {where}")

    # Writing.

    def assign(self, value: ArrayLike) -> jax.Array:
        """Sets the value, and returns it.

        Args:
          value: an array of the variable's shape and dtype, or a number.

        Raises:
          ValueError: if the shape or dtype is another one.
        """
        value = self._converted(value)
        if value.shape != self.shape:
            raise ValueError(
                f"Cannot assign a value of shape {value.shape} to the variable "
                f"{self.name!r} of shape {self.shape}."
            )
        cells.write(self, self._checked(value))
        return value

    def _converted(self, value: Any) -> jax.Array:
        same = isinstance(value, jax.Array) and value.dtype == self.dtype
        if same and not getattr(value, "weak_type", False):
            return value
        self._check_dtype(value)
        return jnp.asarray(value, self.dtype)

    def _check_dtype(self, value: Any) -> None:
        dtype = getattr(value, "dtype", None)
        if dtype is None or dtype == self.dtype or getattr(value, "weak_type", False):
            return
        # NumPy makes an array in double precision of any literal.
        if isinstance(value, np.ndarray | np.generic):
            fits = np.can_cast(dtype, self.dtype, "same_kind")
        else:
            fits = jax.dtypes.canonicalize_dtype(dtype) == self.dtype
        if not fits:
            raise ValueError(
                f"Cannot assign a value of dtype {dtype} to the variable {self.name!r} "
                f"of dtype {self.dtype}: cast it first, value.astype({self.dtype})."
            )

    def _checked(self, value: jax.Array) -> jax.Array:
        if not thread.frames and isinstance(value, jax.core.Tracer):
            raise ValueError(
                f"The variable {self.name!r} was assigned inside a plain JAX transform "
                "(jax.jit, jax.grad, ...), which would lose the value. Use the one of "
                "the same name in snt: snt.jit, snt.grad, ..."
            )
        return value

    def assign_add(self, delta: ArrayLike) -> jax.Array:
        """Adds `delta` to the value, and returns the sum.

        Nothing is lost where several threads do so, as in TensorFlow; where they
        assign a sum, `v.assign(v + delta)`, it may be.
        """
        return self._changed(jnp.add, delta)

    def assign_sub(self, delta: ArrayLike) -> jax.Array:
        """Subtracts `delta` from the value, and returns the difference."""
        return self._changed(jnp.subtract, delta)

    def _changed(
        self, change: Callable[[Any, Any], jax.Array], delta: Any
    ) -> jax.Array:
        delta = self._converted(delta)
        if delta.shape not in ((), self.shape):
            raise ValueError(
                f"Cannot change the variable {self.name!r} of shape {self.shape} by a "
                f"value of shape {delta.shape}."
            )
        return cells.update(self, lambda value: self._checked(change(value, delta)))

    # Rows of it.

    def sparse_read(self, indices: ArrayLike) -> jax.Array:
        """Returns rows of the value, `[*indices.shape, *shape[1:]]`."""
        return jnp.take(self.value(), jnp.asarray(indices), axis=0, mode="clip")

    def scatter_add(self, sparse_delta: IndexedSlices) -> jax.Array:
        """Adds to rows of the value; those for one place add up. Returns the sum."""
        return self._scatter(sparse_delta, "add")

    def scatter_sub(self, sparse_delta: IndexedSlices) -> jax.Array:
        """Subtracts from rows of the value, as `scatter_add` adds."""
        return self._scatter(-sparse_delta, "add")

    def scatter_update(self, sparse_delta: IndexedSlices) -> jax.Array:
        """Replaces rows of the value; each place may occur only once."""
        return self._scatter(sparse_delta, "set")

    def _scatter(self, slices: IndexedSlices, how: str) -> jax.Array:
        self._check_dtype(slices)
        indices = jnp.asarray(slices.indices)

        def change(value: jax.Array) -> jax.Array:
            # Places that the variable does not have are left out.
            return getattr(value.at[indices], how)(slices.values, mode="drop")

        return cells.update(self, lambda value: self._checked(change(value)))

    # Identity.

    def ref(self) -> Reference:
        """Returns a reference that can be a key: hashable, and equal by identity."""
        return Reference(self)

    def __getstate__(self) -> dict[str, Any]:
        state = {k: v for k, v in vars(self).items() if k not in _NOT_PICKLED}
        if self._value is not None:
            state["_value"] = np.asarray(self._value)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.token = Token(self)
        if self._value is not None:
            self._value = jnp.asarray(self._value)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Variable":
        copied = memo[id(self)] = object.__new__(type(self))
        vars(copied).update(vars(self))
        copied.token = Token(copied)
        if thread.frames:
            cells.write_first(copied, self.value())
        return copied

    __copy__ = None  # a shallow copy would be a second variable with one value

    # Behaving like an array.

    def astype(self, dtype: DTypeLike) -> jax.Array:
        return self.value().astype(as_dtype(dtype))

    def __getitem__(self, index: Any) -> jax.Array:
        return self.value()[index]

    def __len__(self) -> int:
        return len(self.value())

    def __iter__(self) -> Iterator[jax.Array]:
        return iter(self.value())

    def __repr__(self) -> str:
        if "shape" not in vars(self):  # an error about its initial value shows it
            return f"<snt.Variable {self.name!r}>"
        about = f"{self.name!r} shape={self.shape} dtype={self.dtype}"
        if thread.frames or self._value is None:
            return f"<snt.Variable {about}>"
        return f"<snt.Variable {about}, numpy={self.numpy()!r}>"

    __add__, __radd__ = _binary(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _binary(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul), _reflected(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv), _reflected(operator.truediv)
    __floordiv__, __rfloordiv__ = (
        _binary(operator.floordiv),
        _reflected(operator.floordiv),
    )
    __mod__, __rmod__ = _binary(operator.mod), _reflected(operator.mod)
    __pow__, __rpow__ = _binary(operator.pow), _reflected(operator.pow)
    __matmul__, __rmatmul__ = _binary(operator.matmul), _reflected(operator.matmul)
    __and__, __rand__ = _binary(operator.and_), _reflected(operator.and_)
    __or__, __ror__ = _binary(operator.or_), _reflected(operator.or_)
    __xor__, __rxor__ = _binary(operator.xor), _reflected(operator.xor)
    __lshift__, __rlshift__ = _binary(operator.lshift), _reflected(operator.lshift)
    __rshift__, __rrshift__ = _binary(operator.rshift), _reflected(operator.rshift)
    __lt__ = _binary(operator.lt)
    __le__ = _binary(operator.le)
    __gt__ = _binary(operator.gt)
    __ge__ = _binary(operator.ge)
    __index__ = _unary(operator.index)
    __bool__ = _unary(bool)
    __int__ = _unary(int)
    __float__ = _unary(float)
    __complex__ = _unary(complex)

    # Written out where a type checker does not take an attribute for a method.

    def __eq__(self, other: ArrayLike) -> jax.Array:  # type: ignore[override]
        return self.value() == _operand(other)

    def __ne__(self, other: ArrayLike) -> jax.Array:  # type: ignore[override]
        return self.value() != _operand(other)

    def __neg__(self) -> jax.Array:
        return -self.value()

    def __pos__(self) -> jax.Array:
        return +self.value()

    def __abs__(self) -> jax.Array:
        return abs(self.value())

    def __invert__(self) -> jax.Array:
        return ~self.value()

    def __round__(self, *digits: int) -> Any:
        return round(self.value(), *digits)

    def __format__(self, specification: str) -> str:
        return format(self.value(), specification)

    def __divmod__(self, other: ArrayLike) -> tuple[jax.Array, jax.Array]:
        return divmod(self.value(), _operand(other))

    __hash__ = cells.Cell.__hash__


# jnp's compiled functions take trees only. As a tree a variable is its value, and a
# tree that is rebuilt holds the value in the variable's place.
jax.tree_util.register_pytree_node(
    Variable, lambda v: ((v.value(),), None), lambda _, children: children[0]
)
