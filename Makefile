# Each target sets up what it needs first: one virtual environment with the package in it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := parquet,keras,report,export,serve,dev

.PHONY: demo test test-slow check bench docs format peers clean

$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	touch $@

demo: $(READY)
	@$(BIN)/deepres demo

# Two at a time, one thread each: whole processes are most of what the tests wait for. A file stays
# with one of them, so that what its tests share is made once.
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.freshness

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What our readers are compared with. torchvision without its dependencies: it asks for a torch of
# its own, and only its Python part is needed.
peers: $(READY)
	$(BIN)/python -m pip install --quiet --no-deps "torchvision>=0.23"
	$(BIN)/python -m pip install --quiet -c constraints.txt ".[peers]"

bench: $(READY)
	@for script in bench/[a-z]*.py; do $(BIN)/python $$script; done

# The companion's site and its PDF, built with warnings as errors, its links checked.
docs: $(READY)
	@$(BIN)/python -c "import sphinx, myst_nb, furo" 2>/dev/null || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	@$(BIN)/python -m docs.made

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
