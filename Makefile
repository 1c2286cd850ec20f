# CI calls the same targets as people.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PACKAGES := $(VENV)/.packages
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: $(READY) ## Run one night; CSV='a.csv b.csv.gz' or a glob, default: a simulated book; ARGS=--force
	@$(BIN)/propensity run $(if $(CSV),$(CSV),--simulated) $(ARGS)

.PHONY: server
server: $(READY) ## Start the Prefect server with its UI on http://127.0.0.1:4200; keeps running
	@exec deployments/start server

.PHONY: deploy
deploy: $(READY) ## Register flows and schedules (deployments/prefect.yaml) with the server
	@exec deployments/start deploy

.PHONY: worker
worker: $(READY) ## Start the worker that runs scheduled flows; keeps running
	@exec deployments/start worker

.PHONY: test
# three on two cores: tests of processes mostly wait
test: $(READY) browser ## Run all tests, with the real table if ../shared/data exists
	@$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered $(ARGS)

.PHONY: test-quick
test-quick: $(READY) ## Run the tests that take less than five seconds and start no server, browser or command
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder -m 'not slow and not process' $(ARGS)

# Playwright's own download would be a second Chromium, from a host that many networks block
.PHONY: browser
browser: ## Install the Chromium in which tests open pages (Debian, Ubuntu; as root)
	@command -v chromium >/dev/null || command -v google-chrome-stable >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
	  echo "No Chromium, and not root on Debian or Ubuntu: tests that open pages will be skipped" >&2

.PHONY: check
check: $(READY) ## Lint, and check types and import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Fix what ruff can fix, and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: docs
docs: $(READY) ## Write the generated reference pages
	@$(BIN)/python -m propensity.reference $(ARGS)

.PHONY: lock
lock: $(READY) ## Pin every package with its hashes, for all platforms, into requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-strip-extras --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command 'make lock' --quiet $(ARGS) --output-file requirements.txt

# without --strict it skips packages that it cannot look up (all, if PyPI's JSON API is down) and reports success
.PHONY: audit
audit: $(READY) ## Check all pinned packages for known vulnerabilities; needs the internet
	@$(BIN)/uv tool run --quiet --from 'pip-audit>=2.10,<3' pip-audit --strict --disable-pip --require-hashes \
	  --progress-spinner off --requirement requirements.txt $(ARGS) || \
	  { echo "Not passed. After an ERROR above the result is unknown: the database could not be queried" >&2; exit 1; }

.PHONY: clean
clean: ## Remove the environment and caches; keep run data in data/
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage *.egg-info build

# requirements.txt holds every package, so pip need not resolve (--no-deps), which halves the time
$(PACKAGES): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python 3.11 to 3.13 is needed, found: $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12 ..." >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module. Install it (Debian, Ubuntu: apt install python3-venv) and try again" >&2; exit 2; }
	@echo "Installing into $(VENV), a few minutes once ..."
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --no-deps --require-hashes --requirement requirements.txt
	@touch $@

$(READY): $(PACKAGES) pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
