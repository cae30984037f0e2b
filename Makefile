# `make demo` and `make test` are all a new user needs: both set up .venv first if it is not there.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow test-all lint types contract setup dev page page-check clean
.DELETE_ON_ERROR:

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Cutwork needs Python 3.11 or later, this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

.venv/.ready-dev: .venv/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,lab]'
	@touch $@

setup: .venv/.ready  ## the virtual environment, for users
dev: .venv/.ready-dev  ## the same with test tools

demo: .venv/.ready  ## design a sample brief with the embedded model and the offline planner
	@$(BIN)/cutwork demo

test: .venv/.ready-dev  ## the fast tests
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 -m "not slow"

test-slow: .venv/.ready-dev  ## the slow tests; each file in one process, which loads models, services and browsers once
	$(BIN)/python -m pytest -q -n auto --maxprocesses 2 --dist loadfile -m slow

test-all: test test-slow  ## all tests

lint: .venv/.ready-dev
	$(BIN)/ruff check .

types: .venv/.ready-dev
	$(BIN)/mypy -p cutwork

contract: .venv/.ready-dev
	$(BIN)/lint-imports

# `npm install --no-save` keeps to the lock as `npm ci` does, but does not stop where an optional package for another system cannot be had.
page:  ## the page, from its sources in web/ into the package; wants node 20.19 or later
	cd web && npm install --no-save --no-audit --no-fund && npm run types && npm run build

page-check:  ## whether the page in the package is what its sources make, and its tests
	cd web && npm install --no-save --no-audit --no-fund && npm test && npm run check && npm run lint
	mkdir -p build && cd web && npx openapi-typescript ../docs/openapi.json -o ../build/schema.d.ts && diff ../build/schema.d.ts src/api/schema.d.ts
	cd web && npx vite build --outDir ../build/page && diff -r ../build/page ../cutwork/web

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache
