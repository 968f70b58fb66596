"""What the comparisons of a test run found: where the numbers of RESULTS.md come from.

The comparing functions of the tests call `report`. Unless pytest runs with
`--results`, no ledger is open and that returns at once.
"""

import contextlib
import dataclasses
import json
import pathlib
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from sonnax.parity_tests import surface

KINDS = ("values", "gradients", "state")
# Test files are found by their own path, and what they import by that of the package.
TESTS = tuple(
    str(file.parent)
    for file in (pathlib.Path(__file__), pathlib.Path(__file__).resolve())
)


@dataclasses.dataclass
class Entry:
    """What one test found, or one case within a test.

    Attributes:
      folder: the folder of parity_tests that it belongs to.
      test: the identifier of the test.
      case: what is compared; tests of the same case in other ways share its name.
      names: the public names that the test took from sonnax, such as `snt.Linear`.
      worst: the largest difference of each kind and dtype, as "values float32".
    """

    folder: str
    test: str
    case: str
    names: set[str] = dataclasses.field(default_factory=set)
    worst: dict[str, float] = dataclasses.field(default_factory=dict)


class Ledger:
    """The entries of a run, and those that are open now."""

    def __init__(self) -> None:
        self.entries: dict[tuple[str, str], Entry] = {}
        self._open: list[Entry] = []

    @contextlib.contextmanager
    def entry(self, folder: str, test: str, case: str) -> Iterator[None]:
        """Opens an entry; inside another one it is a case of that test."""
        found = self.entries.setdefault((test, case), Entry(folder, test, case))
        self._open.append(found)
        try:
            yield
        finally:
            self._open.pop()

    @contextlib.contextmanager
    def case(self, name: str) -> Iterator[None]:
        """Opens a case of the test that runs."""
        outer = self._open[0]
        with self.entry(outer.folder, outer.test, f"{outer.folder} {name}"):
            yield

    def name(self, symbol: str) -> None:
        for entry in self._open:
            entry.names.add(symbol)

    def measure(self, kind: str, dtype: str, difference: float) -> None:
        if self._open:
            worst = self._open[-1].worst
            key = f"{kind} {dtype}"
            worst[key] = max(difference, worst.get(key, 0.0))

    def dumps(self) -> str:
        entries = [dataclasses.asdict(entry) for entry in self.entries.values()]
        return json.dumps([entry | {"names": [*entry["names"]]} for entry in entries])

    def add(self, text: str) -> None:
        """Adds the entries that another process dumped."""
        for fields in json.loads(text):
            entry = Entry(**fields | {"names": set(fields["names"])})
            self.entries[entry.test, entry.case] = entry


_ledger: Ledger | None = None


def open_ledger() -> Ledger:
    """Returns the ledger of this process, which from now on is written."""
    global _ledger
    _ledger = Ledger()
    for folder in surface.PARTS:
        for namespace in surface.namespaces(folder):
            _watch(namespace)
    return _ledger


def _watch(namespace: surface.Namespace) -> None:
    """Notes the names that test code takes from a module of sonnax."""

    class Watched(types.ModuleType):
        def __getattribute__(self, name: str) -> Any:
            value = super().__getattribute__(name)
            if _ledger and not name.startswith("_"):
                caller = sys._getframe(1).f_code.co_filename
                if caller.startswith(TESTS):
                    _ledger.name(f"{namespace.prefix}.{name}")
            return value

    namespace.ours.__class__ = Watched


def case(name: str) -> contextlib.AbstractContextManager[None]:
    """Says which case of a test runs, where one test compares several."""
    return _ledger.case(name) if _ledger else contextlib.nullcontext()


def report(kind: str, ours: Any, theirs: Any, dtype: str | None = None) -> None:
    """Notes how far our arrays are from those of the real library.

    Args:
      kind: one of `KINDS`.
      ours: a tree of arrays of sonnax.
      theirs: the same tree of the real library.
      dtype: the floating dtype of the run; by default each array's own, and for
        integers that which JAX is set to.
    """
    if _ledger:
        pairs = [
            (np.asarray(our), np.asarray(their))
            for our, their in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs))
        ]
        pairs = [pair for pair in pairs if pair[0].dtype.kind not in "OSU"]
        together = max((size(theirs) for _, theirs in pairs), default=0.0)
        for our, their in pairs:
            scale = together if kind == "gradients" else size(their)
            _ledger.measure(
                kind, dtype or _dtype(our), distance(our, their) / (scale or 1.0)
            )


def report_equal(shapes: Callable[[], dict[str, Any]]) -> None:
    """Notes that all arrays are equal, whose shapes a function gives by their kind."""
    if _ledger:
        for kind, tree in shapes().items():
            for leaf in jax.tree.leaves(tree):
                _ledger.measure(kind, _dtype(leaf), 0.0)


def _dtype(array: Any) -> str:
    if jax.dtypes.issubdtype(array.dtype, np.floating):
        return array.dtype.name
    return "float64" if jax.config.jax_enable_x64 else "float32"


def size(array: np.ndarray) -> float:
    """Returns the largest absolute value of those that are finite."""
    array = array.astype(np.float64)
    return float(np.max(np.abs(array[np.isfinite(array)]), initial=0.0))


def distance(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Returns max |ours - theirs|, infinite unless the same values are not finite."""
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    if not np.all(same | (np.isfinite(ours) & np.isfinite(theirs))):
        return float("inf")
    ours, theirs = (np.where(same, 0.0, x) for x in (ours, theirs))
    return float(np.max(np.abs(ours - theirs), initial=0.0))
