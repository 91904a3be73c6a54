# Millgrade: the verbs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
HOME_DIR ?= .millgrade
REAL ?=
SERVE ?= 1
PORT ?= 8000
PYTEST_WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check bench golden docs lock

help:  ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Millgrade needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Hint: make PYTHON=python3.11 setup"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(STAMP)  ## make .venv with every dependency, by hash

demo: setup  ## world, ingest, train, score, print and serve (REAL=file.csv adds a real manufacturer, SERVE=0 ends after printing)
	$(BIN)/millgrade demo --home $(HOME_DIR)/demo $(if $(REAL),--real "$(REAL)") $(if $(filter 0,$(SERVE)),--no-serve) --port $(PORT)

serve: setup  ## answer the API and the pages of the demonstration's home over HTTP
	$(BIN)/millgrade serve --home $(HOME_DIR)/demo --port $(PORT)

test: setup  ## run all tests
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadscope

check: setup  ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## the benchmarks, side by side with what a user would take instead
	$(BIN)/python -m benchmarks

golden: setup  ## rewrite the golden reference portfolio; a person reviews what moved
	$(BIN)/python -m benchmarks.golden --write

docs: setup  ## rewrite the generated pages of docs/
	$(BIN)/python -m benchmarks.pages

lock:  ## resolve the locks again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev --extra postgresql --extra cluster --extra benchmarks --extra onnx pyproject.toml -o requirements-dev.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra postgresql pyproject.toml -c requirements-dev.lock -o requirements.lock
