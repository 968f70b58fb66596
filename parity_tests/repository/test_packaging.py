"""What is installed, and what importing it costs."""

import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import sonnax

from .test_imports import PARTS

ROOT = Path(sonnax.__file__).parent
NOT_INSTALLED = {"benchmarks", "examples", "parity_tests"}


def packages():
    for init in sorted(ROOT.rglob("__init__.py")):
        parts = init.parent.relative_to(ROOT).parts
        if not {*parts} & NOT_INSTALLED and not any(p[0] in ".b" for p in parts):
            yield ".".join(("sonnax", *parts))


def test_every_package_is_listed_in_pyproject():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert sorted(settings["tool"]["setuptools"]["packages"]) == sorted(packages())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # Of a copy: building leaves files behind, which a later wheel would take in.
    ignored = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
    shutil.copytree(ROOT, folder / "source", ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    subprocess.run([*command, "--wheel-dir", folder, folder / "source"], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return archive.namelist()


def test_the_wheel_holds_the_subpackages_and_the_type_marker(wheel):
    assert "sonnax/py.typed" in wheel
    for package in packages():
        assert f"{package.replace('.', '/')}/__init__.py" in wheel


def test_the_wheel_holds_the_data_of_the_demo(wheel):
    assert any(name.startswith("sonnax/demo/data/ckpt-") for name in wheel)


def test_the_wheel_holds_nothing_of_the_tests(wheel):
    folders = tuple(f"sonnax/{name}" for name in NOT_INSTALLED)
    assert not [name for name in wheel if name.startswith(folders)]


def run(code):
    return subprocess.run([sys.executable, "-c", code], check=True)


def test_the_package_does_not_import_tensorflow():
    run(
        "import sys, sonnax.compat, sonnax.compat.trfl, sonnax.converters, "
        "sonnax.rlax_impl, sonnax.cli.main\n"
        "assert 'tensorflow' not in sys.modules"
    )


def test_reading_a_checkpoint_does_not_import_jax():
    run("import sys, sonnax.converters\nassert 'jax' not in sys.modules")


def test_importing_runs_no_jax_operation():
    run(
        "import sonnax.compat, sonnax.rlax_impl, sonnax.haiku_impl, jax\n"
        "jax.config.update('jax_num_cpu_devices', 3)\n"
        "assert jax.device_count() == 3"
    )


@pytest.mark.parametrize("part", PARTS)
def test_files_are_of_a_size_to_read_in_one_sitting(part):
    for path in sorted((ROOT / part).rglob("*.py")):
        lines = path.read_text().count("\n")
        assert lines <= 420, f"{path.relative_to(ROOT)} has {lines} lines"


def test_a_library_that_cannot_be_imported_is_no_skip():
    name = "importor" + "skip"
    for path in sorted((ROOT / "parity_tests").rglob("*.py")):
        assert name not in path.read_text(), f"{path.relative_to(ROOT)} has {name}"
