PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup check test test-all demo tiny results bench clean

help:
	@grep -E '^## ' Makefile | sed 's/^## //'

## make setup        virtual environment in .venv, pinned install
setup: .venv/.installed
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

## make check        lint, format, types, import direction
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

## make test         the test suite (under 15 minutes on 2 cores)
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

## make test-all     the test suite and the longer proofs
test-all: setup
	$(BIN)/python -m pytest -q -m "slow or not slow"

clean:
	rm -rf .venv runs .cache
