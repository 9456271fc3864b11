# One command for each thing a user does. Everything runs in .venv, made from the pinned requirements.

PYTHON ?= python3
SCALE ?= demo
DATA ?= auto
DEVICE ?= cpu
HYPERPARAMETERS ?= published
CORES ?= all
PORT ?= 5000

# Programs are started as modules: the scripts in .venv/bin carry the path at which it was made.
BIN := .venv/bin
STORE := $(shell sed -n 's/^tracking_uri: *\([^ ]*\).*/\1/p' config/config.yaml)
DAG := $(BIN)/python workflow/scripts/run_dag.py

# A text as one word of the shell; a variable as one word that YAML reads as this text. Snakemake strips outer quotes,
# hence the spaces around them.
quoted = '$(subst ','\'',$(1))'
yaml = $(call quoted, '$(subst ','',$(value $(1)))' )
CONFIG = --config scale=$(call yaml,SCALE) data=$(call yaml,DATA) device=$(call yaml,DEVICE) \
	hyperparameters=$(call yaml,HYPERPARAMETERS)
RESULTS = results/$(SCALE)$(if $(filter swept,$(HYPERPARAMETERS)),-swept)

# The MLflow store: sqlite:///FILE, http(s)://HOST:PORT, another database, or none. No argument: it may hold a password.
ifdef TRACKING
export UHN_TRACKING_URI := $(value TRACKING)
endif

.PHONY: install tables dry-run report mlflow-ui bench test test-slow test-gpu lint clean

install: .venv/.installed

.venv/.installed: requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if v >= (3, 11) else f"expected Python 3.11 or newer, got {v[0]}.{v[1]}; run make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	touch $@

# Every table, with its runs, and the MLflow store: make SCALE=paper DEVICE=cuda TRACKING=none tables
tables: install
	$(DAG) tables --cores $(call quoted,$(CORES)) $(CONFIG)
	@echo tables: $(call quoted,$(RESULTS)/tables)

# One HTML page with all tables, the DAG and run times
report: tables
	$(DAG) tables --quiet all $(CONFIG) --report $(call quoted,$(RESULTS)/report.html)

mlflow-ui: install
	@echo "open http://127.0.0.1:$(PORT)/#/experiments?workflowType=machine_learning"
	MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
	MLFLOW_BACKEND_STORE_URI="$${UHN_TRACKING_URI:-$(STORE)}" \
	$(BIN)/python -m mlflow ui --artifacts-destination scratch/mlartifacts --host 127.0.0.1 --port $(call quoted,$(PORT)) \
	--workers 1

# Generation against the authors' arithmetic, small targets: results/bench
bench: install
	$(BIN)/python -m uhn bench generator --quick

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
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/python -m snakefmt --check Snakefile workflow
	PATH="$$PWD/$(BIN):$$PATH" $(BIN)/python -m snakemake --lint

clean:
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache logs
