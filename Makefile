# The Python that is used: a command, or a path. Each version has environments of its own.
PYTHON ?= python3
# What is installed: newest, lowest or wheel, see .ci/make-environment.
VARIANT ?= newest
# What `make test` runs: files or options of pytest; by default all but `make proof`'s.
TESTS ?=
WORKERS ?= 2
# How long `make fuzz` damages files, and how many configurations of a module it draws.
EXAMPLES ?= 100
SECONDS ?= 600

found := $(shell .ci/find-python $(PYTHON))
python := $(wordlist 2,$(words $(found)),$(found))
tag := $(firstword $(found))$(filter-out -newest,-$(VARIANT))
demo_env := .venv-$(tag)
env := .venv-test-$(tag)
pytest := "$(CURDIR)/$(env)/bin/python" -m pytest -n $(WORKERS) --dist loadfile
# The tests of the wheel stand beside it.
ifeq ($(VARIANT),wheel)
tests_folder = $(shell $(env)/bin/python -Pc 'import sonnax; print(*sonnax.__path__)')
else
tests_folder = .
endif

.DEFAULT_GOAL := help
.PHONY: help demo test proof results fuzz bench mutants lint format wheel clean

help:  ## show this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/'

# Rebuilt when pyproject.toml changes; a wheel, always.
$(env)/.installed: extras = [test,lint]
$(demo_env)/.installed $(env)/.installed: pyproject.toml constraints-lowest.txt
	@test -n "$(found)"
	.ci/make-environment "$(python)" $(@D) '$(extras)' $(VARIANT)
	@touch $@
ifeq ($(VARIANT),wheel)
.PHONY: $(demo_env)/.installed $(env)/.installed
endif

demo: $(demo_env)/.installed  ## install sonnax without TensorFlow and run a real Sonnet checkpoint
	$(demo_env)/bin/sonnax demo

test: $(env)/.installed  ## install the real libraries beside sonnax and run the tests (20 minutes)
	cd "$(tests_folder)" && $(pytest) $(TESTS)

proof:  ## everything: all tests on every Python, oldest and newest releases, the wheel (hours)
	$(MAKE) test TESTS='-m ""' PYTHON=python3.11 VARIANT=lowest
	$(MAKE) lint test TESTS='-m ""' PYTHON=python3.11
	$(MAKE) lint test TESTS='-m ""' PYTHON=python3.12
	$(MAKE) lint test TESTS='-m ""' PYTHON=python3.13 VARIANT=wheel
	$(MAKE) lint test results TESTS='-m ""' PYTHON=python3.13

# With XLA's own settings, as users compile; the other tests save time on that.
results: $(env)/.installed  ## rewrite parity_tests/RESULTS.md from a run of the real libraries
	XLA_FLAGS= $(pytest) -m '' $(addprefix parity_tests/,compat haiku_impl rlax_impl trfl) \
		--results parity_tests/RESULTS.md

# The fuzzer is needed here alone.
fuzz: $(env)/.installed  ## damaged files for SECONDS, and EXAMPLES of each module beside Sonnet's
	$(env)/bin/python -m pip --disable-pip-version-check install --quiet 'atheris>=3'
	$(env)/bin/python -m sonnax.parity_tests.fuzz --seconds $(SECONDS)
	SONNAX_FUZZ_EXAMPLES=$(EXAMPLES) $(pytest) parity_tests/fuzz/test_configurations.py

bench: $(env)/.installed  ## measure sonnax beside the real libraries, and write the README's table
	$(env)/bin/python benchmarks/run_all.py

mutants: $(env)/.installed  ## plant small faults and count those that the tests see (hours; Python 3.12)
	$(env)/bin/python -m sonnax.parity_tests.mutants $(MUTANTS)

# The types are those of the newest libraries: VARIANT=lowest has others.
lint: $(env)/.installed  ## check style, format and types
	$(env)/bin/ruff check .
	$(env)/bin/ruff format --check .
	$(env)/bin/mypy -p sonnax

format: $(env)/.installed  ## rewrite the code in the house style
	$(env)/bin/ruff check --fix-only .
	$(env)/bin/ruff format .

wheel: $(demo_env)/.installed  ## build the wheel into dist/
	rm -rf build
	$(demo_env)/bin/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove everything that make built
	rm -rf .venv* build dist *.egg-info
