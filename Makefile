# Each environment is rebuilt when pyproject.toml changes.
PYTHON ?= python3
WORKERS ?= 2
PIP = -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test results bench lint format wheel clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP) --editable .
	@touch $@

.venv-test/.installed: pyproject.toml
	$(PYTHON) -m venv .venv-test
	.venv-test/bin/python $(PIP) --editable '.[test,lint]'
	@touch $@

demo: .venv/.installed  ## install sonnax without TensorFlow and run a real Sonnet checkpoint
	.venv/bin/sonnax demo

test: .venv-test/.installed  ## install the real libraries beside sonnax and run every test
	.venv-test/bin/python -m pytest -n $(WORKERS) --dist loadfile

# With XLA's own settings, as users compile; the other tests save time on that.
results: .venv-test/.installed  ## rewrite parity_tests/RESULTS.md from a run of the real libraries
	XLA_FLAGS= .venv-test/bin/python -m pytest -n $(WORKERS) --dist loadfile \
		$(addprefix parity_tests/,compat haiku_impl rlax_impl trfl) \
		--results parity_tests/RESULTS.md

bench: .venv-test/.installed  ## measure sonnax beside the real libraries, and write the README's table
	.venv-test/bin/python benchmarks/run_all.py

lint: .venv-test/.installed  ## check style, format and types
	.venv-test/bin/ruff check .
	.venv-test/bin/ruff format --check .
	@mkdir -p .typecheck && ln -sfn .. .typecheck/sonnax
	MYPYPATH=.typecheck .venv-test/bin/mypy -p sonnax

format: .venv-test/.installed  ## rewrite the code in the house style
	.venv-test/bin/ruff check --fix-only .
	.venv-test/bin/ruff format .

wheel: .venv-test/.installed  ## build the wheel into dist/
	rm -rf build
	.venv-test/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove everything that make built
	rm -rf .venv .venv-test .typecheck build dist *.egg-info
