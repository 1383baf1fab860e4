# The few commands of the project; `make` alone lists them. Settings are given as in `make run PORT=9000`;
# PYTHON is the one that a new environment is made from (`make clean` removes the present ones).

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
RUN_TARGET ?= examples/notes/app.py
# Of the core, in percent, at least: lines and branches in `make coverage`, lines only in test-all.
COVERAGE := 95
LINES := 98
# The version on which test-all counts the lines that the tests run, such as 3.12; none if it is empty.
COUNTED ?=
# One more than the cores of a small machine: many tests wait for processes.
WORKERS := 3
# These send bytes by the hundred thousand, or start processes, through lines that other tests cover: counting lines would
# double or triple their time.
UNCOUNTED := tests/wire tests/security tests/fuzz tests/thirdparty tests/examples
# These start processes, wait for them, or send every case to every parser; test-fast leaves them out.
SLOW := tests/wire tests/security tests/fuzz tests/thirdparty tests/examples tests/plugins tests/core/cli \
	tests/core/server/faults tests/core/server/run tests/core/server/stalls tests/core/server/tls tests/core/server/workers \
	tests/core/testing tests/core/test_typing.py tests/core/startup/resolve/test_resource_types.py
comma := ,
# Parts of the benchmark, or one part and its options, as in BENCH_ARGS="run --only turnbuckle starlette"; all when empty.
BENCH_ARGS ?=
# Not empty: a failed test gets a second chance, as in .ci/run; what failed at first stays in the output.
RETRY ?=
# For test-modes: files or folders of tests; all when empty.
MODE_TESTS ?=

# The tests start hundreds of processes; each would compile all that it imports if it found no byte code.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PEERS ?= bench/.peers
APPS := .venv-apps
RAY := .venv-ray
BIN := $(VENV)/bin
# Python compiles what it imports; compiling everything that is installed takes half the time of an installation.
PIP_FLAGS := --quiet --disable-pip-version-check --no-compile
# Tests of one module stay on one worker, which so sets up less, until another worker has nothing left to do.
PARALLEL := -n $(WORKERS) --dist worksteal

# Written for every Python from 2.7 on, for the ones that are too old must understand it to say so.
define CHECK_PYTHON
import sys
found = "%d.%d.%d at %s" % (sys.version_info[:3] + (sys.executable,))
if sys.version_info < (3, 11):
    sys.exit("make: Turnbuckle needs Python 3.11 or later, and this is " + found + " (choose one: make PYTHON=python3.12)")
try:
    import ensurepip, venv
except ImportError:
    sys.exit("make: Python " + found + " cannot make virtual environments (on Debian or Ubuntu: apt-get install python3-venv)")
endef
export CHECK_PYTHON

# $(call environment,FOLDER,WHAT TO INSTALL): create FOLDER unless it holds a Python that runs, and install.
define environment
@$(1)/bin/python -c "$$CHECK_PYTHON" 2>/dev/null || { \
	command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here: install Python 3.11 or later" >&2; exit 1; }; \
	$(PYTHON) -c "$$CHECK_PYTHON" && echo "creating $(1)" && $(PYTHON) -m venv --clear $(1); }
@echo "installing $(2) into $(1)"
@$(1)/bin/python -m pip install $(PIP_FLAGS) $(2)
@touch $@
endef

# $(call tests,PYTEST,ARGUMENTS): run tests. With RETRY, those that failed are run once more, without others beside them:
# some wait for processes and sockets, and a busy machine can make them wait too long.
tests = $(1) -q $(PARALLEL) $(2) $(if $(RETRY),|| { echo "make: failed tests are run again one by one"; \
	$(1) -q -n0 --last-failed --last-failed-no-failures=none $(2); })

# $(call count,BIN,OPTIONS): run the tests and count the lines that they run. Without options, Python 3.12 and later count by
# sys.monitoring, which costs next to nothing.
define count
$(1)/coverage erase
$(call tests,COVERAGE_CORE=$(if $(2),ctrace,sysmon) $(1)/coverage run $(2) -m pytest,$(UNCOUNTED:%=--ignore=%))
$(call tests,$(1)/pytest,$(UNCOUNTED))
$(1)/coverage combine --quiet
$(1)/coverage report
@$(1)/coverage report --include='core/*' --fail-under=$(if $(2),$(COVERAGE),$(LINES)) --format=total >/dev/null \
	|| { echo "make: less than $(if $(2),$(COVERAGE),$(LINES)) % of core/ is covered" >&2; exit 1; }
endef

.DEFAULT_GOAL := help
.PHONY: help run test axe coverage test-fast test-all test-modes test-apps test-ray bench fmt clean

help:
	@echo "make run       serve the example application $(RUN_TARGET) on http://$(HOST):$(PORT)/"
	@echo "make test      lint, type check and run the tests"
	@echo "make axe       fetch axe-core, with which some tests check pages for accessibility"
	@echo "make coverage  run the tests, and print the lines and branches that no test runs"
	@echo "make test-fast run only the tests that need no processes and no whole suites"
	@echo "make test-all  run the tests on every other Python from 3.11 on that is found"
	@echo "make test-modes  run the tests without assert (-O), and in Python's development mode"
	@echo "make test-apps  run the app on real ASGI hosts, and apps of other frameworks on this server"
	@echo "make test-ray  run examples/scaling/ray_shop.py on a local Ray (Linux, some minutes)"
	@echo "make bench     compare the cost of requests with other servers, and measure how it grows (Linux, about a quarter of an hour)"
	@echo "make fmt       format the code and fix what the linter can fix"
	@echo "make clean     remove every environment, cache and build product"

# One stamp for what running needs and one for development, so that the first `make run` installs little.
# Each is older than pyproject.toml when there may be something new to install.
$(VENV)/.installed-run: pyproject.toml
	$(call environment,$(VENV),-e .[fast$(comma)accounts$(comma)metrics$(comma)openapi])

$(VENV)/.installed-dev: pyproject.toml
	$(call environment,$(VENV),-e .[dev])
	@touch $(VENV)/.installed-run

$(PEERS)/.installed: bench/requirements.txt bench/requirements-no-deps.txt pyproject.toml
	$(call environment,$(PEERS),-r bench/requirements.txt -e .[fast$(comma)http2])
	@$(PEERS)/bin/python -m pip install $(PIP_FLAGS) --no-deps -r bench/requirements-no-deps.txt

$(APPS)/.installed: tests/apps/requirements.txt pyproject.toml
	$(call environment,$(APPS),-r tests/apps/requirements.txt -e .)

$(RAY)/.installed: pyproject.toml
	$(call environment,$(RAY),ray[serve] websockets -e .)

run: $(VENV)/.installed-run
	NOTES_ORIGIN=http://$(HOST):$(PORT) $(BIN)/python -m turnbuckle serve $(RUN_TARGET) --host $(HOST) --port $(PORT)

test: $(VENV)/.installed-dev axe
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy bench/*.py bench/robustness/*.py
	$(call tests,$(BIN)/pytest)

# Checks pages for accessibility. Without the registry of npm, its tests are skipped, so a failure does not count.
axe: $(VENV)/.installed-dev
	-@$(BIN)/python -m tests.axe_core

# Each line and branch that is run is counted by a function of C, which takes twice the time of the tests without it.
coverage: $(VENV)/.installed-dev
	$(call count,$(BIN),--branch)

test-fast: $(VENV)/.installed-dev
	$(BIN)/pytest -q $(PARALLEL) $(SLOW:%=--ignore=%)

# A name on the PATH need not run (a pyenv shim, say), so each candidate is tried; pyenv's folders are looked into as well.
test-all: $(VENV)/.installed-dev
	@done=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	for version in 3.11 3.12 3.13 3.14; do \
		[ "$$version" = "$$done" ] && continue; \
		for python in python$$version $$HOME/.pyenv/versions/$$version.*/bin/python; do \
			$$python -c "$$CHECK_PYTHON" >/dev/null 2>&1 || continue; \
			$(MAKE) --no-print-directory test-one PYTHON=$$python VERSION=$$version || exit 1; \
			break; \
		done; \
	done

# By the environment rather than by options, so that the processes that tests start are in the same mode.
test-modes: $(VENV)/.installed-dev
	$(call tests,PYTHONOPTIMIZE=1 $(BIN)/pytest,$(MODE_TESTS))
	$(call tests,PYTHONDEVMODE=1 PYTHONWARNINGS=error::ResourceWarning $(BIN)/pytest,$(MODE_TESTS))

# Other frameworks and servers are not installed beside our own code: some of them need other versions of its libraries.
test-apps: $(VENV)/.installed-dev $(APPS)/.installed
	$(call tests,TEST_APPS=$(CURDIR)/$(APPS)/bin $(BIN)/pytest,tests/apps)

test-ray: $(VENV)/.installed-dev $(RAY)/.installed
	TEST_RAY=$(CURDIR)/$(RAY)/bin $(BIN)/pytest -q -n0 tests/apps/test_ray.py

.PHONY: test-one
test-one: .venv-$(VERSION)/.installed
	$(if $(filter $(COUNTED),$(VERSION)),$(call count,.venv-$(VERSION)/bin),$(call tests,.venv-$(VERSION)/bin/pytest))

.venv-$(VERSION)/.installed: pyproject.toml
	$(call environment,.venv-$(VERSION),-e .[fast$(comma)test])

# With another Python: make bench PYTHON=python3.13 PEERS=bench/.peers-3.13
bench: $(PEERS)/.installed
	@command -v wrk >/dev/null && command -v h2load >/dev/null && command -v nginx >/dev/null || { \
		[ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends wrk nghttp2-client nginx-light; } || \
		{ echo "make: bench needs wrk, h2load and nginx (on Debian or Ubuntu: apt-get install wrk nghttp2-client nginx)" >&2; exit 1; }
	$(PEERS)/bin/python -m bench $(BENCH_ARGS)

fmt: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .venv-* .axe bench/.peers* .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* htmlcov build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
