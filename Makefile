# `make demo` and `make test` set up everything they need; nothing else has to be installed but Python 3.11 or newer.
# On Windows, from Git's bash: make test PYTHON=python
PYTHON ?= python3
SCRIPTS := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
BIN := .venv/$(SCRIPTS)

# Each of the two on one thread: threads of both would wait for each other. Neighbours stay together, for what they
# share, until one of the two has nothing left to do. Tests of threads ask for as many as they need.
TWO_AT_ONCE := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

# The heart of the engine, every gradient of it, for `make test-quick`
QUICK_TESTS := tests/layers tests/optimizers tests/losses tests/peers tests/test_checks.py \
	tests/test_gradient_check.py tests/test_planted_defects.py
# What leans most on other libraries, for `make test-lowest`
LOWEST_TESTS := tests/data tests/cli tests/layers tests/test_model.py tests/test_storage.py tests/test_estimators.py \
	tests/interchange

# Also where the environment keeps Python from it: programs that tests and pages start find our modules compiled
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-browser test-quick test-slow test-lowest docs book linkcheck lint format dist fuzz bench clean

demo: .venv/.installed
	$(BIN)/sfumato train mnist --hidden 15,9 --out runs/mnist --overwrite
	$(BIN)/sfumato style examples/images/chelsea.jpg examples/images/starry_night.jpg --size 256 --steps 30 \
		--out runs/chelsea.png --overwrite
	@echo "The report and the figures are in runs/mnist, the cat in van Gogh's style in runs/chelsea.png."

test: .venv/.test-installed
	$(BIN)/python -m pytest --doctest-modules src
	$(TWO_AT_ONCE) -m "not slow and not browser"

# The studio's page and those of the built site, in Chromium, which has to be there: apt install chromium. Pictures of
# the studio lie in runs/studio. Tests of a file share a studio.
test-browser: .venv/.browser-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "browser and not slow" tests/browser

test-quick: .venv/.test-installed
	$(TWO_AT_ONCE) -m "not slow" $(QUICK_TESTS)

test-slow: .venv/.test-installed
	$(BIN)/python -m pytest -m slow

# With the lowest versions that pyproject.toml admits, of all but PyTorch, in an environment made anew. Old versions
# meet new ones of what they need in turn: what they then say about their own future is no error.
# How much memory they take is left out too.
test-lowest:
	$(VENV) --clear .venv-lowest
	.venv-lowest/$(SCRIPTS)/python -m pip install --quiet uv
	$(call CPU_TORCH,.venv-lowest)
	.venv-lowest/$(SCRIPTS)/uv pip install --quiet --python .venv-lowest --resolution lowest-direct \
		--requirements pyproject.toml --extra test --editable .
	.venv-lowest/$(SCRIPTS)/python -m pytest -m "not slow" -n 2 -W default::DeprecationWarning \
		--ignore tests/cli/test_memory.py $(LOWEST_TESTS)

# The site, in docs/_build/html: every chapter is executed, and whatever fails or leads nowhere stops the build
docs: .venv/.docs-installed
	rm -rf docs/_build
	$(BIN)/sphinx-build -W --keep-going -j 2 -b html docs docs/_build/html
	$(BIN)/python scripts/portable_notebooks.py docs/_build/html
	$(BIN)/python scripts/check_links.py docs/_build/html

# The chapters as a book, docs/_build/epub/sfumato.epub, with formulas as MathML; links out of the chapters are text in it
book: .venv/.docs-installed
	rm -rf docs/_build/epub
	$(BIN)/sphinx-build -W --keep-going -j 2 -b epub -D root_doc=book -D include_patterns=book.md,glossary.md,chapters/*.md \
		-D exclude_patterns=_build -D html_math_renderer=mathml -D html_static_path=_static/book -D html_css_files=book.css \
		-D suppress_warnings=myst.xref_missing -d docs/_build/book-doctrees docs docs/_build/epub

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

# In dist: the source distribution, the wheel, tried in an environment of its own, and the site if `make docs` built it
dist: .venv-dist/.installed
	.venv-dist/$(SCRIPTS)/python scripts/make_dist.py

# A quarter of an hour; for a few, say  .venv/bin/python -m scripts.fuzz --inputs 1000. Findings lie in runs/fuzz.
fuzz: .venv/.test-installed
	OMP_NUM_THREADS=1 $(BIN)/python -m scripts.fuzz --inputs 100000

# An hour; for a single job, say  .venv-bench/bin/python -m benchmarks mnist
bench: .venv-bench/.installed
	.venv-bench/$(SCRIPTS)/python -m benchmarks

# $(PYTHON) -m venv, or one line that says why that cannot work: Debian packs venv apart from Python
VENV_WORKS := import sys, ensurepip, venv; print(sys.version_info >= (3, 11) or "")
VENV = $(if $(shell $(PYTHON) -c '$(VENV_WORKS)' 2>/dev/null),,$(error $(PYTHON) is missing, older than 3.11 or \
	without venv: install it (Debian, Ubuntu: apt install python3-venv) or name another, \
	make PYTHON=python3.12))$(PYTHON) -m venv

# On Linux, PyPI's PyTorch brings gigabytes of CUDA; the CPU build lies on PyTorch's own index. Only PyTorch is looked
# for there: pip asks an extra index for every package, and retries each for seconds where it cannot be reached.
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)
TORCH_INDEX := https://download.pytorch.org/whl/cpu
ifeq ($(shell uname -s)$(PIP_EXTRA_INDEX_URL),Linux)
CPU_TORCH = @$(1)/bin/python -m pip install --quiet --no-deps --retries 1 --index-url $(TORCH_INDEX) $(TORCH) \
	2>/dev/null || echo "No CPU build of PyTorch at $(TORCH_INDEX): pip takes what its own index has, maybe with CUDA."
endif

.venv/.installed: pyproject.toml
	$(VENV) .venv
	$(BIN)/python -m pip install --quiet --editable '.[fast]'
	@touch $@

.venv/.test-installed: pyproject.toml
	$(VENV) .venv
	$(call CPU_TORCH,.venv)
	$(BIN)/python -m pip install --quiet --editable '.[test,lint]'
	@touch .venv/.installed $@

.venv/.browser-installed: pyproject.toml
	$(VENV) .venv
	$(BIN)/python -m pip install --quiet --editable '.[browser]'
	@touch .venv/.installed $@

.venv/.docs-installed: pyproject.toml
	$(VENV) .venv
	$(BIN)/python -m pip install --quiet --editable '.[docs]'
	@touch .venv/.installed $@

.venv-dist/.installed:
	$(VENV) .venv-dist
	.venv-dist/$(SCRIPTS)/python -m pip install --quiet uv twine
	@touch $@

.venv-bench/.installed: pyproject.toml benchmarks/requirements.txt
	$(VENV) .venv-bench
	$(call CPU_TORCH,.venv-bench)
	.venv-bench/$(SCRIPTS)/python -m pip install --quiet --editable . --requirement benchmarks/requirements.txt
	@touch $@

clean:
	rm -rf .venv .venv-* build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
