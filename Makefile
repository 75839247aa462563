# GovLedger: make demo | test | test-consortium | lint | bench | contracts | clean
PYTHON ?= python3.11
ifeq ($(shell command -v $(PYTHON) 2>/dev/null),)
PYTHON := python3
endif
comma := ,
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
# More than cores: tests wait for servers and disks a third of their time.
TEST_JOBS ?= 3
# What is compiled once serves every worker, and every process that a test starts.
unexport PYTHONDONTWRITEBYTECODE
# Where there is Java, the row encoding is tested on Spark too.
EXTRAS := dev$(if $(shell command -v java 2>/dev/null),$(comma)spark)

.PHONY: demo test test-consortium lint bench contracts openapi clean

.venv/.runtime: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install -c constraints.txt -e .
	@touch $@

# All at once: two runs would resolve and build twice.
.venv/.dev: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install -c constraints.txt -e '.[$(EXTRAS)]'
	@touch .venv/.runtime $@

node_modules/.installed: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

demo: .venv/.runtime ## a synthetic district on its own chain, served; ARGS=--no-serve to stop after the tour
	$(BIN)/govledger demo $(ARGS)

test: .venv/.dev node_modules/.installed ## everything, on real chains and databases
	$(BIN)/python -m pytest -n $(TEST_JOBS) --dist worksteal $(ARGS)

test-consortium: .venv/.dev ## a district on five validators, killed and cut off; builds their engine once (Go, gcc)
	GOVLEDGER_CONSORTIUM=1 $(BIN)/python -m pytest tests/consortium -rs $(ARGS)

lint: .venv/.dev node_modules/.installed ## style, types, import rules, contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	npx --no-install solhint --disc --max-warnings 0 'contracts/**/*.sol'
	$(BIN)/python scripts/build_contracts.py --check

bench: .venv/.dev node_modules/.installed ## measure the budgets and write docs/benchmarks.md; ARGS="PART --quick"
	$(BIN)/python scripts/bench/run.py --write $(ARGS)

contracts: .venv/.dev node_modules/.installed ## compile, and refresh the checked-in ABI and bytecode
	$(BIN)/python scripts/build_contracts.py

openapi: .venv/.dev ## refresh docs/openapi.json
	$(BIN)/python -m api docs/openapi.json

clean:
	rm -rf .venv node_modules artifacts cache demo-data build dist *.egg-info
