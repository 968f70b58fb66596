"""What sonnax supports: written down once, tested, and said to whoever has less."""

import re
import subprocess
import sys
import tomllib

import pytest

from .documents import ROOT, read

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = SETTINGS["project"]
REQUIREMENT = re.compile(r"([\w-]+)(==|>=)([\w.]+)")
PYTHONS = ("3.11", "3.12", "3.13")


def fails(code):
    """The last line on stderr of a process that must fail."""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    return done.stderr.splitlines()[-1]


def requirements():
    """{name: (comparison, version)} of everything that pyproject.toml asks for."""
    extras = PROJECT["optional-dependencies"]
    asked = [*PROJECT["dependencies"], *extras["haiku"], *extras["orbax"]]
    asked += [*extras["report"], *extras["test"]]
    found = {}
    for each in asked:
        if not each.startswith("sonnax["):
            name, comparison, version = REQUIREMENT.match(each).groups()
            found[name] = (comparison, version)
    return found


def release(version):
    """A version as numbers, without zeros at its end."""
    return [int(n) for n in re.sub(r"(\.0)+$", "", version).split(".")]


def test_every_lowest_version_is_installed_by_the_constraints():
    text = (ROOT / "constraints-lowest.txt").read_text()
    constrained = dict(re.findall(r"^([\w-]+)==([\w.]+)$", text, re.M))
    assert constrained.pop("jaxlib") == constrained["jax"]
    lowest = {
        name: version
        for name, (comparison, version) in requirements().items()
        if comparison == ">="
    }
    assert {name: release(version) for name, version in constrained.items()} == {
        name: release(version) for name, version in lowest.items()
    }


def test_every_requirement_has_a_lowest_version_or_is_pinned():
    assert len(requirements()) > 20


@pytest.mark.parametrize("python", PYTHONS)
def test_every_python_is_classified_and_named(python):
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    assert f"| {python} |" in read("README.md")
    assert f"{python}\\ *" in (ROOT / ".ci/find-python").read_text()


def test_no_other_python_is():
    classified = [c for c in PROJECT["classifiers"] if re.search(r"Python :: 3\.", c)]
    assert len(classified) == len(PYTHONS)
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"


def test_the_checks_are_of_the_versions_in_pyproject():
    from sonnax import _support

    assert PROJECT["requires-python"] == ">={}.{}".format(*_support.LOWEST_PYTHON)
    _, jax = requirements()["jax"]
    assert release(jax) == release(".".join(map(str, _support.LOWEST_JAX)))


def test_an_older_python_is_told_what_is_supported():
    assert fails("import sys; sys.version_info = (3, 10, 4); import sonnax") == (
        "ImportError: sonnax supports Python 3.11 to 3.13, and this is Python 3.10: "
        "install it in one of those."
    )


@pytest.mark.parametrize("module", ["compat", "compat.trfl", "haiku_impl", "rlax_impl"])
def test_an_older_jax_is_told_what_is_supported(module):
    older = "jax.__version__, jax.__version_info__ = '0.9.2', (0, 9, 2)"
    assert fails(f"import jax; {older}; import sonnax.{module}") == (
        "ImportError: sonnax supports jax 0.10.0 and newer, and jax 0.9.2 is "
        "installed: upgrade it with pip install --upgrade jax."
    )


def test_an_older_jax_reads_checkpoints():
    older = "jax.__version__, jax.__version_info__ = '0.9.2', (0, 9, 2)"
    code = f"import jax; {older}; import sonnax.converters, sonnax.cli.main"
    subprocess.run([sys.executable, "-c", code], check=True)
