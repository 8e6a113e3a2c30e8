# `make demo` and `make test` set up everything they need; nothing else has to be installed but Python 3.11 or newer.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow docs linkcheck lint format bench clean

demo: .venv/.installed
	$(BIN)/sfumato train mnist --hidden 15,9 --out runs/mnist --overwrite
	$(BIN)/sfumato style examples/images/chelsea.jpg examples/images/starry_night.jpg --size 256 --steps 30 \
		--out runs/chelsea.png --overwrite
	@echo "The report and the figures are in runs/mnist, the cat in van Gogh's style in runs/chelsea.png."

test: .venv/.test-installed
	$(BIN)/python -m pytest --doctest-modules src
	$(BIN)/python -m pytest -m "not slow" -n 2

test-slow: .venv/.test-installed
	$(BIN)/python -m pytest -m slow

# The site, in docs/_build/html: every chapter is executed, and whatever fails or leads nowhere stops the build
docs: .venv/.docs-installed
	rm -rf docs/_build
	$(BIN)/sphinx-build -W --keep-going -j 2 -b html docs docs/_build/html
	$(BIN)/python scripts/check_links.py docs/_build/html

# Links into the network, which `make docs` leaves alone
linkcheck: .venv/.docs-installed
	$(BIN)/sphinx-build -b linkcheck -D nb_execution_mode=off docs docs/_build/linkcheck

lint: .venv/.test-installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.test-installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# About half an hour; for a single job, say  .venv-bench/bin/python -m benchmarks mnist
bench: .venv-bench/.installed
	.venv-bench/bin/python -m benchmarks

.venv/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/.test-installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch .venv/.installed $@

.venv/.docs-installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch .venv/.installed $@

.venv-bench/.installed: pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@

clean:
	rm -rf .venv .venv-bench build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
