"""What a table of measurements says of the machine and the versions it comes from."""

import datetime
import importlib.metadata
import os
import platform
import re
from pathlib import Path

# What is named in the table, and the distributions that may hold it.
LIBRARIES = {
    "sonnax": ("sonnax",),
    "jax": ("jax",),
    "NumPy": ("numpy",),
    "TensorFlow": ("tensorflow", "tensorflow-cpu"),
    "dm-sonnet": ("dm-sonnet",),
    "dm-haiku": ("dm-haiku",),
    "RLax": ("rlax",),
}


def processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        text = ""
    fields = dict(re.findall(r"^(.*?)[ \t]*: (.*)$", text, re.MULTILINE))
    name = fields.get("model name") or platform.processor() or platform.machine()
    if "cpu family" in fields:
        name += f" (family {fields['cpu family']}, model {fields['model']})"
    return name


def cores() -> int:
    return len(os.sched_getaffinity(0))


def version(distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    raise importlib.metadata.PackageNotFoundError(distributions[0])


def operating_system() -> str:
    release = platform.freedesktop_os_release()["PRETTY_NAME"]
    return f"{release}, {platform.system()} {platform.release()}"


def description() -> dict[str, str]:
    """Describes this machine now, load and date included."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    versions = (f"{name} {version(held)}" for name, held in LIBRARIES.items())
    return {
        "date": datetime.date.today().isoformat(),
        "processor": processor(),
        "cores": str(cores()),
        "memory": f"{memory / 2**30:.0f} GiB",
        "system": operating_system(),
        "versions": f"Python {platform.python_version()}, {', '.join(versions)}",
        "load": f"{os.getloadavg()[0]:.1f}",
    }
