"""Stacks whose elements can be pushed for the duration of a `with` block."""

import collections
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Stack(Generic[T]):
    """A last-in, first-out collection; iteration begins at the top.

    >>> stack = Stack()
    >>> with stack("outer"), stack("inner"):
    ...     list(stack)
    ['inner', 'outer']
    """

    def __init__(self) -> None:
        self._items: collections.deque[Any] = collections.deque()

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[T]:
        return reversed(self._items)

    def push(self, item: T) -> None:
        """Puts `item` on the top."""
        self._items.append(item)

    def pop(self) -> T:
        """Removes and returns the top item."""
        return self._items.pop()

    def pushleft(self, item: T) -> None:
        """Puts `item` at the bottom."""
        self._items.appendleft(item)

    def popleft(self) -> T:
        """Removes and returns the bottom item."""
        return self._items.popleft()

    def peek(self, depth: int = -1) -> T:
        """Returns the item at `depth`: -1 is the top, -2 the one below."""
        return self._items[depth]

    def map(self, fn: Callable[[T], Any]) -> "Stack[Any]":
        """Returns a stack of `fn(item)`."""
        mapped = type(self)()
        mapped._items.extend(fn(item) for item in self._items)
        return mapped

    def clone(self) -> "Stack[T]":
        """Returns a copy."""
        return self.map(lambda item: item)

    @contextlib.contextmanager
    def __call__(self, item: T) -> Iterator[None]:
        self.push(item)
        try:
            yield
        finally:
            self.pop()


class ThreadLocalStack(Stack[T], threading.local):
    """A stack of which each thread sees its own.

    >>> from sonnax import haiku_impl as hk
    >>> stack = hk.data_structures.ThreadLocalStack()
    >>> with stack("item"):
    ...     stack.peek()
    'item'
    """
