# The targets CI calls are the ones people call.

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
run: $(READY) ## Run one night; CSV='a.csv b.csv.gz' or a glob, without it a simulated book; ARGS=--force
	@$(BIN)/propensity run $(if $(CSV),$(CSV),--simulated) $(ARGS)

.PHONY: server
server: $(READY) ## Start the Prefect server and its UI on http://127.0.0.1:4200; stays
	@exec deployments/start server

.PHONY: deploy
deploy: $(READY) ## Tell the server what runs when: deployments/prefect.yaml
	@exec deployments/start deploy

.PHONY: worker
worker: $(READY) ## Start the worker that runs what is due; stays
	@exec deployments/start worker

.PHONY: test
test: $(READY) browser ## Run all tests; the real table is used where ../shared/data is
	@$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered $(ARGS)

# a download of Playwright's own would be another Chromium, from a host that many networks block
.PHONY: browser
browser: ## Install the Chromium that tests open pages with (Debian, Ubuntu; as root)
	@command -v chromium >/dev/null || command -v google-chrome-stable >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	    apt-get install -qq -y --no-install-recommends chromium fonts-dejavu-core >/dev/null; } || \
	  echo "No Chromium, and not root on Debian or Ubuntu: tests that open pages will be skipped" >&2

.PHONY: check
check: $(READY) ## Lint, check types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: format
format: $(READY) ## Mend what ruff can mend
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

# without --strict it skips what it cannot look up, all of it where PyPI's JSON API is away, and says that all is well
.PHONY: audit
audit: $(READY) ## Look every pinned package up among known vulnerabilities; needs the internet
	@$(BIN)/uv tool run --quiet --from 'pip-audit>=2.10,<3' pip-audit --strict --disable-pip --require-hashes \
	  --progress-spinner off --requirement requirements.txt $(ARGS) || \
	  { echo "Not passed. After an ERROR above nothing is known: the database could not be asked" >&2; exit 1; }

.PHONY: clean
clean: ## Remove the environment and caches; run data in data/ stays
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
