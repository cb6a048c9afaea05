# The words to type. Whatever thinks is in tools/, where it is tested.

# The Python to make .venv with; looked for if empty.
PYTHON ?=
ARGS ?=
# The folder with the case files of the AuthZEN suites.
AUTHZEN_CASES ?=
BIN := .venv/bin
# A file is one process's, with what is made once for its tests; in the order of their names, so that small files are last
# and no process has long to go when the others are done. How many processes that are is in tests/conftest.py.
ALL_TESTS := --numprocesses auto --dist loadfile --no-loadscope-reorder --durations 10

# Where it is set, each of the hundreds of processes that tests start would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo cluster test check monitoring fuzz nightly format conformance bench bench-scale bench-postgres screenshots lock audit sbom

##@ Begin
demo: setup ## everything on this machine, with an example family; ARGS="--port 9000" goes to the demo
	@$(BIN)/authz-service demo $(ARGS)

cluster: setup ## a proxy, three replicas and all that they need, on this machine; ARGS=report breaks it and tells
	@$(BIN)/python -m tests.cluster $(ARGS)

setup: ## .venv with the locked packages, the pinned OPA and Regal; the other words do it themselves
	@PYTHON="$(PYTHON)" tools/with-python -m tools.setup

##@ Change
test: setup ## all tests, on all processors; ARGS="tests/opa -k finds" goes to pytest instead
	@$(BIN)/python -m pytest $(or $(ARGS),$(ALL_TESTS))

check: setup ## what CI runs: lint, types, layers, policies, secrets, tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/authz-service policy check
	$(BIN)/python -m tools.secret_scan
	@$(MAKE) --no-print-directory test

fuzz: setup ## a million requests, files and tokens that are nearly right; ARGS="--cases 20000" is short
	@$(BIN)/python -m tests.fuzz $(ARGS)

nightly: fuzz monitoring audit ## what takes too long for each change: an hour or two

format: setup ## Python and Rego, as the style has them
	$(BIN)/ruff check --fix-only --exit-zero
	$(BIN)/ruff format
	@opa=$$($(BIN)/python -m tools.setup_opa) && set -x && "$$opa" fmt --write policies fixtures/cases tests/conformance/policies

##@ Compare
monitoring: setup ## the alerts and the dashboard against Prometheus itself, which is built first: some minutes
	@$(BIN)/python -m pytest tests/deploy/with_prometheus.py tests/cluster/with_prometheus.py $(ARGS)

conformance: setup ## what the AuthZEN suites expect of any service; AUTHZEN_CASES=DIR has their case files
	@test -n "$(AUTHZEN_CASES)" || { echo 'Say where the case files are: make conformance AUTHZEN_CASES=DIR' >&2; exit 2; }
	@$(BIN)/python -m tests.conformance.run "$(AUTHZEN_CASES)"

bench: setup ## this service beside others, and what the journal costs; needs wrk; ARGS="--rounds 1 --seconds 2" is short
	@$(BIN)/python -m bench $(ARGS)

bench-scale: setup ## ten million customers, a large business, memory, starts, changes of policy; ARGS="--customers 20000" is short
	@$(BIN)/python -m bench.scaling $(ARGS)

bench-postgres: setup ## the same on PostgreSQL alone
	@$(BIN)/python -m bench.scaling --database postgresql $(ARGS)

##@ Maintain
screenshots: setup ## docs/screenshots, of every page in both themes and at the width of a phone; needs Chromium
	@$(BIN)/python -m tests.browser.screenshots

lock: ## the lock files, from pyproject.toml; ARGS=--upgrade takes the newest versions
	@PYTHON="$(PYTHON)" tools/with-python -m tools.lock $(ARGS)

audit: setup ## known vulnerabilities and releases taken back, of all that is locked; tells which sources it could ask
	@$(BIN)/python -m tools.audit

sbom: setup ## build/sbom: what is in the service and in its OPA, as CycloneDX
	@$(BIN)/python -m tools.sbom

help: ## these words
	@awk 'BEGIN { FS = ":.*## " } \
	/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
