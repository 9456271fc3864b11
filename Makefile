# One command for each thing a user does. Everything runs in .venv, made from the pinned requirements.

PYTHON ?= python3
SCALE ?= demo
DATA ?= auto
DEVICE ?= cpu
HYPERPARAMETERS ?= published
CORES ?= all
PORT ?= 5000

BIN := .venv/bin
STORE := $(shell sed -n 's/^tracking_uri: *\([^ ]*\).*/\1/p' config/config.yaml)
DAG := $(BIN)/python workflow/scripts/run_dag.py
CONFIG := --cores $(CORES) --config scale=$(SCALE) data=$(DATA) device=$(DEVICE) hyperparameters=$(HYPERPARAMETERS)

.PHONY: install tables dry-run report mlflow-ui bench test test-slow test-gpu lint clean

install: .venv/.installed

.venv/.installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"expected Python 3.11 or newer, got {v[0]}.{v[1]}; run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# Every table, with its runs, and the MLflow store: make SCALE=paper DEVICE=cuda tables
tables: install
	$(DAG) tables $(CONFIG)
	@echo "tables: results/$(SCALE)/tables"

# One HTML page with all tables, the DAG and run times
report: tables
	$(BIN)/snakemake tables --quiet all --config scale=$(SCALE) data=$(DATA) device=$(DEVICE) hyperparameters=$(HYPERPARAMETERS) --report results/$(SCALE)/report.html

mlflow-ui: install
	@echo "open http://127.0.0.1:$(PORT)/#/experiments?workflowType=machine_learning"
	MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
	$(BIN)/mlflow ui --backend-store-uri $(STORE) --artifacts-destination scratch/mlartifacts \
	--host 127.0.0.1 --port $(PORT) --workers 1

# Generation against the authors' arithmetic, small targets: results/bench
bench: install
	$(BIN)/uhn bench generator --quick

# What `make tables` would do
dry-run: install
	$(DAG) tables $(CONFIG) --dry-run --quiet

# One thread per process: the tests run in two processes.
test: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

test-slow: install
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "slow and not gpu"

# What only a machine with a CUDA device can tell
test-gpu: install
	$(BIN)/python -m pytest -m gpu

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/snakemake --lint

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache logs
