# The commands of the project; `make help` lists them. Everything is installed into the checkout: .venv and .uv.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help install install-deep demo dev test test-stack check docs screenshots bench lock clean
.PHONY: up down purge up-native down-native

# The first Python of these that runs and is new enough.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$name && break; done)
UV := .uv/bin/uv
BIN := .venv/bin
UV_VERSION := 0.13.8
PYTEST_WORKERS ?= 2
EVERY_PROFILE := lakehouse ml bi monitoring rest
# The REST server only where it is the catalog.
PROFILES ?= $(if $(shell grep -s '^CATALOG_TYPE=rest' .env),$(EVERY_PROFILE),$(filter-out rest,$(EVERY_PROFILE)))
OTHER_PROFILES = $(filter-out $(PROFILES),$(EVERY_PROFILE))
services_of = docker compose $(addprefix --profile ,$(1)) config --services | sort

help: ## list the commands
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV):
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 to 3.13 found: install one, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -m venv .uv || { echo "error: $(PYTHON) cannot make a virtual environment: on Debian and Ubuntu, apt install python3-venv" >&2; exit 1; }
	@.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/bin/python: | $(UV)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv

# The locks hold the whole resolution, so nothing is resolved again (--no-deps) and every file is checked by its hash.
.venv/runtime.stamp: requirements/runtime.lock pyproject.toml | .venv/bin/python
	@echo "installing the runtime into .venv"
	@$(UV) pip install --quiet --python .venv --no-deps --require-hashes -r requirements/runtime.lock
	@$(UV) pip install --quiet --python .venv --no-deps --editable .
	@touch $@

.venv/test.stamp: requirements/test.lock .venv/runtime.stamp
	@echo "installing the test tools and the deep-learning extra into .venv (about 5 GB)"
	@$(UV) pip install --quiet --python .venv --no-deps --require-hashes -r requirements/test.lock
	@touch $@

install: .venv/runtime.stamp ## the environment alone

# One lock holds the extra and the test tools: together they are one resolution, and the tools are a small part of it.
install-deep: .venv/test.stamp ## the environment with torch and tensorflow (about 5 GB)

demo: install ## simulate, land and run the whole way on the embedded profile; ends with one readable page
	@$(BIN)/lakehouse demo

dev: install ## Dagster's UI on port 3000 and MLflow's on port 5000, on the state of the demo
	@$(BIN)/python -m lakehouse_assets.services.development

test: .venv/test.stamp ## install what the tests need and run them all
	@$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile

# The servers stay up between the modules, which name those they need; all are stopped at the end.
test-stack: .venv/test.stamp ## the tests on the real servers, started on 127.0.0.1 without Docker
	@$(BIN)/python -m deploy.native fetch --state $(or $(STACK_STATE_FOLDER),.lakehouse/stack-test)
	@$(BIN)/python -m pytest -m stack lakehouse_assets_tests/stack

# Another Python than the project's will do: the machine may have Docker alone.
.env:
	@$(or $(PYTHON),python3) deploy/native/env_file.py

up: .env ## start the production stack with Docker; PROFILES="lakehouse ml" for a part of it
	@GIT_SHA="$$(git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null || echo unknown)" docker compose $(addprefix --profile ,$(PROFILES)) up --build --detach --wait

# Stopping without a name would stop everything.
down: .env ## stop the production stack, or with PROFILES=bi what no other profile needs; its data stay
ifeq ($(origin PROFILES),file)
	@docker compose --profile '*' down
else
	@names="$$(comm -23 <($(call services_of,$(PROFILES))) <($(call services_of,$(OTHER_PROFILES))))"; \
	test -n "$$names" || { echo "error: nothing belongs to '$(PROFILES)' alone; profiles are $(EVERY_PROFILE)" >&2; exit 1; }; \
	docker compose --profile '*' rm --stop --force $$names
endif

purge: .env ## stop the production stack and delete its data
	@docker compose --profile '*' down --volumes

up-native: install ## start the production stack without Docker, on 127.0.0.1
	@$(BIN)/python -m deploy.native up

down-native: install ## stop it; its data stay in .lakehouse/stack
	@$(BIN)/python -m deploy.native down

check: .venv/test.stamp ## lint, format, types, import contracts, generated docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python docs/build.py --check

docs: .venv/test.stamp ## write the generated parts of the docs anew
	@$(BIN)/python docs/build.py

screenshots: .venv/test.stamp ## take the pictures of the docs off the demo's state, in Chromium
	@$(BIN)/python docs/screenshots.py

bench: .venv/test.stamp ## measure; docs/performance.md tells how to read it
	@$(BIN)/python -m benchmarks

lock: | $(UV) ## resolve the locks anew: universal, with hashes
	@$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
		pyproject.toml --extra deep --group dev --override requirements/overrides.txt -o requirements/test.lock
	@$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-annotate --no-header \
		pyproject.toml -c requirements/test.lock --override requirements/overrides.txt -o requirements/runtime.lock

clean: ## remove the environments; the state in .lakehouse stays
	rm -rf .venv .uv
