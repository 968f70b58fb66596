"""The table of modules: every loop of this folder runs over it.

One file a subject, each with a list `CASES`.
"""

import importlib
import pkgutil

from .case import Case

CASES: list[Case] = [
    case
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name)
    if info.name != "case"
    for case in importlib.import_module(f"{__name__}.{info.name}").CASES
]
