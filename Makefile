# One line each; the logic is in Python. `make` lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
T ?= tests
K ?=
RECIPE ?= recipes/quickstart.yaml
SEEDS ?= 0,1,2
SET ?=
FILES ?=
THREADS ?= 1
.DEFAULT_GOAL := help
.PHONY: help dev quickstart format lint types floors docs-check start-up test test-all golden check build pretrain pretrain-worth bench-int8 bench-train bench-transfer bench-latency web clients clean

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/python -m compileall -q edgetl
	touch $@

dev: $(VENV)/.ready  ## set up .venv with everything, in the tested versions

quickstart: dev  ## the whole job on embedded data, offline, in about two minutes
	$(BIN)/edgetl run recipes/quickstart.yaml

web:  ## what a report's "try it" runs the network with: onnxruntime-web, from npm, into edgetl/_web
	$(PYTHON) -m edgetl.report.page.fetch

clients: dev  ## real clients for the tests, into .clients: MediaPipe, onnxruntime-web, axe, Playwright, Swift (Chromium and kotlinc are your system's)
	mkdir -p .clients && cp tests/clients/package.json tests/clients/package-lock.json .clients/
	cd .clients && npm ci --silent --ignore-scripts
	$(PYTHON) -m venv .clients/mediapipe && .clients/mediapipe/bin/pip install --quiet -r tests/clients/requirements.txt
	$(PYTHON) tests/clients/swift_toolchain.py .clients/swift

format: dev  ## format the code
	$(BIN)/ruff format edgetl benchmarks tests && $(BIN)/ruff check --fix edgetl benchmarks tests

lint: dev  ## ruff and codespell
	$(BIN)/ruff check edgetl benchmarks tests && $(BIN)/ruff format --check edgetl benchmarks tests && $(BIN)/codespell edgetl benchmarks tests recipes devices *.md Makefile

types: dev  ## mypy --strict
	$(BIN)/mypy

floors: dev  ## who may import whom
	$(BIN)/lint-imports

docs-check: dev  ## README tables and public names
	$(BIN)/pytest -q tests/house/test_docs.py

start-up: dev  ## --help, list and plan start fast and import nothing heavy
	$(BIN)/pytest -q tests/house/test_start_up.py

test: dev  ## the tests, under ten minutes on two cores (T=path K=word)
	$(BIN)/pytest -m "not slow and not alone" -n 2 --dist loadfile $(T) $(if $(K),-k "$(K)") || test $$? = 5  # 5: none chosen
	$(BIN)/pytest -m "alone and not slow" $(T) $(if $(K),-k "$(K)") || test $$? = 5

test-all: dev  ## every test
	$(BIN)/pytest $(T)

check: lint types floors docs-check start-up  ## all that can be checked without running the pipeline

build: dev  ## wheel and source archive in dist/
	$(BIN)/python -m build

pretrain: dev  ## train the bundled weights anew, from formulas
	$(BIN)/python -m edgetl.nn.pretrain --out edgetl/backbones/weights

pretrain-worth: dev  ## what the bundled weights are worth: digits with 10 labels a class, five seeds
	$(BIN)/python -m edgetl.nn.pretrain_worth

bench-int8: dev  ## edgetl's int8 files beside those made by hand (RECIPE=file SEEDS=0,1,2 SET="key=value ...")
	$(BIN)/pip install --quiet -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks.int8 $(RECIPE) --seeds $(SEEDS) $(foreach pair,$(SET),--set '$(pair)')

bench-train: dev  ## training beside a tutorial's loop: accuracy, and CPU time of a head (RECIPE=file SEEDS=0,1,2 SET="key=value ...")
	$(BIN)/python -m benchmarks.train $(RECIPE) --seeds $(SEEDS) $(foreach pair,$(SET),--set '$(pair)')

bench-transfer: dev  ## what a phase is worth (RECIPE=file WITHOUT=phase SEEDS=0,1,2 SET="key=value ...")
	$(BIN)/python -m benchmarks.transfer $(RECIPE) --without $(WITHOUT) --seeds $(SEEDS) $(foreach pair,$(SET),--set '$(pair)')

bench-latency: dev  ## edgetl's medians beside litert-benchmark's and a bare loop's (FILES="a.tflite b.onnx" THREADS=1,2)
	$(BIN)/python -m benchmarks.clocks $(FILES) --threads $(THREADS)

clean:  ## remove what was made here, except .venv
	rm -rf .edgetl runs dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
