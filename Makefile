# What one types in this project. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help up down test check day bench bench-web bench-backbone bench-forming bench-letters faults faults-all compose-test backup restore keys lock setup setup-dev browser settings clean

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
UV := $(VENV)/bin/uv
KERNEL := $(wildcard services/grouping/forming/*.[ch])
LOCKED := pyproject.toml $(foreach part,registration grouping feedback notifications embedded,--extra $(part)) --constraints requirements.lock
export UV_LINK_MODE ?= copy
export UV_NO_PROGRESS ?= 1

help: ## Lists these words
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: setup ## Sets everything up and runs the whole platform here; Ctrl-C ends it, data stay in var/
	@exec $(PY) -m infra.embedded up

down: setup ## Ends a platform that runs in the background on the data in var/
	@exec $(PY) -m infra.embedded down

test: setup-dev browser ## Sets everything up and runs every test; says what it skipped and why
	@exec $(PY) -m pytest -rs --durations=10 $(TESTS)

check: setup-dev ## Format, lint, types, walls, translations, container files
	@exec $(PY) -m infra.check

day: setup ## Plays the reference day through the running platform's public doors, or starts one for it
	@exec $(PY) -m infra.day

faults: setup-dev ## Ten minutes of the fault matrix: lost, twice and disorder per row; writes var/faults.json
	@exec $(PY) -m tests.faults --minutes 10

faults-all: setup-dev ## The whole fault matrix on both databases, whole days while things die, and what grows in nine minutes
	@$(PY) -m tests.faults --all; matrix=$$?; $(PY) -m tests.faults.days; days=$$?; $(PY) -m tests.faults.soak; soak=$$?; \
	  exit $$((matrix || days || soak))

compose-test: setup-dev ## Runs docker-compose.yml for real: builds, plays the day, kills, heals; RUNBOOK=1: the runbook too; SHORT=1; OVERRIDES=1
	@exec $(PY) -m tests.compose $(if $(RUNBOOK),--runbook) $(if $(SHORT),--short) $(if $(OVERRIDES),--overrides)

backup: setup ## Saves the four databases while everything runs: make backup [FILE=…]; IN=compose for the containers
	@exec $(PY) -m infra.backup $(if $(IN),--$(IN)) save $(FILE)

restore: setup ## Puts a backup back: make restore FILE=…; IN=compose for the containers
	@exec $(PY) -m infra.backup $(if $(IN),--$(IN)) restore $(FILE)

keys: setup ## Prints fresh secrets for .env; INTO=secrets: writes them into files, and prints what is left for .env
	@exec $(PY) -m infra.embedded keys $(if $(INTO),--into $(INTO))

bench: setup-dev ## Measures against the ceilings of this machine; writes var/bench.json
	@exec $(PY) -m tests.bench

bench-web: setup-dev ## Measures registration beside the raw ceiling; writes var/bench-web.json
	@exec $(PY) -m tests.bench.web

bench-backbone: setup-dev ## Measures how facts travel beside what the servers do by hand; writes var/bench-backbone.json
	@exec $(PY) -m tests.bench.backbone

bench-forming: setup-dev ## Measures the grouping engine against its bars; writes var/bench-forming.json
	@exec $(PY) -m tests.bench.forming

bench-letters: setup-dev ## Measures sending beside its ceiling, with kills; writes var/bench-letters.json
	@exec $(PY) -m tests.bench.letters

lock: setup-dev ## Writes requirements.lock anew from pyproject.toml, at the newest versions
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade --no-header --no-emit-index-url \
	  --all-extras --group dev pyproject.toml --output-file requirements.lock

setup: $(VENV)/runs
setup-dev: $(VENV)/tests

$(UV): requirements.lock
	@command -v $(PYTHON) >/dev/null || { echo "Palabre needs Python 3.11 or newer, and there is no $(PYTHON) here." >&2; exit 1; }
	@$(PYTHON) infra/setup/old_enough.py
	@echo "Setting up: a Python environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python cannot make an environment here; on Debian: apt install python3-venv" >&2; exit 1; }
	@awk '/^[a-z0-9]/{mine = /^uv==/} mine' requirements.lock >$(VENV)/uv.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r $(VENV)/uv.lock
	@touch $(UV)

$(VENV)/runs: $(UV) requirements.lock pyproject.toml $(KERNEL)
	@echo "Setting up: what the platform runs on (about 100 MB the first time)"
	@$(UV) pip install --quiet --python $(PY) --compile-bytecode -r $(LOCKED)
	@$(PY) -m services.grouping.forming.native
	@touch $@

$(VENV)/tests: $(UV) requirements.lock pyproject.toml $(KERNEL)
	@echo "Setting up: what the platform and its tests run on (about 400 MB the first time)"
	@$(UV) pip install --quiet --python $(PY) --compile-bytecode --exact -r $(LOCKED) --group dev
	@$(PY) -m services.grouping.forming.native
	@touch $(VENV)/runs $@

browser: setup-dev
	@$(PY) -m infra.setup.browser

settings: setup ## Writes infra/SETTINGS.md from the settings in the code
	@$(PY) -m services.chassis.settings >infra/SETTINGS.md

clean: ## Removes the environment and every cache; your data in var/ stay
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
