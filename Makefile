# The habits of the house. `make verify` and `make test` need Python 3.11 or newer, make and git: nothing else.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash

PYTHON ?= python3
BIN := .venv/bin
export NO_MKDOCS_2_WARNING := 1
# some machines set it: every one of the thousand commands that the tests start would compile the project anew
unexport PYTHONDONTWRITEBYTECODE
READY := .venv/.ready
TARGET ?= embedded
WORKERS ?= 2
SHELLS ?= bash zsh
FEATURES ?= features/

.PHONY: help setup verify prove pasted failing site test check links bench serve rooms lock clean

help: ## What there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | column -t -s "$$(printf '\t')"

setup: $(READY) ## Make .venv from the hash-locked requirements; nothing to do the second time

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is $$($(PYTHON) -V 2>&1); set PYTHON=… to Python 3.11 or newer" >&2; exit 2; }
	@echo "setting up .venv (about a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q -j 0 runbook_steps  # once: where nobody may write byte code, each start would compile
	@touch $(READY)

verify: setup ## Prove every runbook on the embedded target, then build the site with the evidence
	@$(MAKE) --no-print-directory prove; proven=$$?; $(MAKE) --no-print-directory site && exit $$proven

prove: setup ## Prove every runbook on TARGET (default: embedded)
	$(BIN)/pytest $(FEATURES) --target $(TARGET) -n $(WORKERS) --dist loadgroup -q

pasted: setup ## Every procedure with its blocks pasted into one interactive shell (SHELLS: bash, then zsh), and one psql
	@for shell in $(SHELLS); do \
	  command -v $$shell >/dev/null || { echo "$$shell is not installed: nothing was pasted into it"; continue; }; \
	  $(BIN)/pytest $(FEATURES) --pasted $$shell --evidence-dir build/pasted/$$shell --journal-dir build/pasted/$$shell \
	    -n $(WORKERS) --dist loadgroup -q || exit 1; \
	done

failing: setup ## Each block fails in turn, in one interactive shell, and no later one may change anything
	$(BIN)/pytest $(FEATURES) --pasted bash --after-failure --evidence-dir build/after-failure \
	  --journal-dir build/after-failure -n $(WORKERS) --dist loadgroup -q

site: setup ## Build the site from pages, features and evidence
	$(BIN)/runbooks build
	@rm -rf build/offline
	@$(BIN)/runbooks archive site --folder build/offline
	@echo "site/ is ready for a server; build/offline/index.html is ready to open"

test: setup ## The whole test suite
	$(BIN)/pytest tests/ -n $(WORKERS) --dist loadscope -q

check: setup ## Lint, types, spelling, import rules, house rules, strict build, links
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/runbooks check
	$(BIN)/runbooks coverage
	$(BIN)/mkdocs build --strict --site-dir build/check-site
	$(BIN)/runbooks archive build/check-site
	$(BIN)/runbooks links build/check-site >/dev/null

links: site ## Every link of the site, external addresses fetched too (needs the network)
	$(BIN)/runbooks links site --fetch

bench: setup ## Measure what must stay fast
	$(BIN)/python -m tests.bench
	$(BIN)/python -m tests.bench_site
	$(BIN)/python -m tests.bench_engine
	$(BIN)/python -m tests.bench_backup
	$(BIN)/python -m tests.bench_guard
	$(BIN)/python -m tests.bench_monitoring

serve: setup ## The site on http://127.0.0.1:8000, rebuilt on change
	$(BIN)/runbooks serve

rooms: setup ## Draw the rooms of the engine into docs/architecture.md, from the import contract
	$(BIN)/python -m tests.rooms

lock: ## Lock the dependencies anew, with hashes and without an index host
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --output-file requirements.lock

clean: ## Remove what was built; the next run sets up again
	rm -rf .venv build site .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
