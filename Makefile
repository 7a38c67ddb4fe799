# Two commands: `make serve` and `make test`. Nothing here needs more than Python 3.11+ and make.
# PYTHON=… names another interpreter, ARGS=… hands flags on to `serve`, TESTS=… to pytest.

VENV := .venv
BIN := $(VENV)/bin
SERVE := $(VENV)/.serve-installed
TEST := $(VENV)/.test-installed
UV := uv==0.13.9
EDITOR := coprod_kg/web/static/editor.js
CHECKED := .
# Files of tests side by side, one more than there are cores: tests of real processes often wait.
# `make test SPREAD=` runs them one after the other.
SPREAD := -n $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1) --maxprocesses=5 --dist loadfile \
	--no-loadscope-reorder

# A checkout that was moved, or a Python that went away: set up again.
STALE := $(shell test ! -e $(SERVE) || { test "$$(cat $(SERVE))" = "$(CURDIR)" \
	&& $(BIN)/python -c '' 2>/dev/null; } || rm -f $(SERVE) $(TEST))

# Dozens of processes start in a test run: each would compile all of the code anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve test coverage check style format lock editor wheel docs clean

help: ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(SERVE) ## set up everything and serve http://127.0.0.1:8000
	@exec $(BIN)/coprod-kg serve $(ARGS)

# Types are checked beside the tests: that keeps one core busy for half a minute where nothing is
# cached. Exit code 1 says that tests failed; after any other one (a crash, Ctrl-C) nothing is asked
# again.
test: style ## set up everything, check the code, run every test
	@$(BIN)/mypy >$(VENV)/types.txt 2>&1 & types=$$!; trap 'kill $$types 2>/dev/null' INT TERM; \
	$(BIN)/python -m pytest --durations=10 $(SPREAD) $(TESTS); tested=$$?; \
	wait $$types || { cat $(VENV)/types.txt; exit 1; }; \
	[ $$tested = 1 ] || exit $$tested; \
	echo 'What failed is asked once more, one after the other: a busy machine starves real processes.'; \
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures=none $(TESTS)

coverage: $(TEST) ## run every test and count the branches taken; fails below the floor in pyproject.toml
	@$(BIN)/python -m pytest --cov --cov-report=term $(SPREAD) $(TESTS)

check: style ## lint, formatting and types
	@$(BIN)/mypy

style: $(TEST) ## lint and formatting
	@$(BIN)/ruff check $(CHECKED)
	@$(BIN)/ruff format --check $(CHECKED)

format: $(TEST) ## put the code into its format
	@$(BIN)/ruff check --fix $(CHECKED)
	@$(BIN)/ruff format $(CHECKED)

docs: $(TEST) ## write what README.md and docs/ show of the program anew
	@$(BIN)/python docs/generate.py

editor: $(EDITOR) ## build the editor of the SPARQL page (needs npm); without it the form is there

wheel: $(TEST) ## build dist/coprod_kg-….whl
	@$(MAKE) --no-print-directory editor || \
		echo 'The editor could not be built: this wheel has the plain SPARQL form.' >&2
	@$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist

lock: $(TEST) ## resolve the dependencies anew (needs the network); UPGRADE=1 takes the newest
	@$(BIN)/python -m pip install --quiet $(UV)
	@sh requirements/lock.sh $(BIN)/uv $(if $(UPGRADE),--upgrade)

clean: ## remove what was made here, but never the data
	rm -rf $(VENV) dist build editor/node_modules $(EDITOR) .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

$(EDITOR): editor/package-lock.json editor/editor.js editor/build.js
	@cd editor && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@cd editor && npm run --silent build

$(SERVE): requirements/build.lock requirements/service.lock pyproject.toml .ci/venv.sh .ci/fetch_pip.py
	@sh .ci/venv.sh $(VENV) service
	@$(BIN)/coprod-kg prepare-examples || echo 'A first start checks the example data itself.' >&2
	@echo '$(CURDIR)' >$@

$(TEST): $(SERVE) requirements/test.lock
	@sh .ci/venv.sh $(VENV) test
	@touch $@
