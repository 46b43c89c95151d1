# make demo: environment, package, one photograph there and back.   make test: everything tested.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# A version, so that every machine tests the same one; the package itself takes any from 2.4 on.
TORCH ?= torch==2.13.0
EXAMPLE := examples/kodim23.png

.PHONY: demo test install lint clean

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.installed: pyproject.toml $(wildcard cpp/CMakeLists.txt $(foreach d,coder frame networks predictive python threads video,cpp/$(d)/*.cpp cpp/$(d)/*.hpp cpp/$(d)/CMakeLists.txt)) | $(BIN)/python
	$(BIN)/python -m pip install --quiet "$(TORCH)"
	$(BIN)/python -m pip install --quiet "scikit-build-core>=0.10" "nanobind>=2.4" "cmake>=3.20" ninja
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test]"
	touch $@

install: $(VENV)/.installed

demo: $(VENV)/.installed
	mkdir -p demo
	$(BIN)/codec encode $(EXAMPLE) -o demo/kodim23.lic -f
	$(BIN)/codec info demo/kodim23.lic
	$(BIN)/codec decode demo/kodim23.lic -o demo/kodim23.png -f
	$(BIN)/codec verify demo/kodim23.lic --against $(EXAMPLE)
	@echo "demo/kodim23.png is what the file decodes to: look at it beside $(EXAMPLE)"

# One process a processor; a file's tests stay together, for what they share.
test: $(VENV)/.tested
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf demo build
