# make demo   the whole journey on the shipped example: raw text to trained model to before/after table
# make test   everything that must hold: format, lint, types, docs, tests
# make help   the other targets

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
RUN := runs/brain-teasers
export PYTHONUTF8 := 1

.PHONY: help demo test fast browser check format docs test-core test-browser test-slow xtuner-env test-xtuner exports-env test-exports bench-traps bench-quality bench-real bench-speed bench-studio bench-start bench-tokens bench-train bench-gpu clean

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.train: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Tilth with its training extra into $(VENV) (once; torch is large) ..."
	$(PIP) -e '.[train]'
	@touch $@

$(VENV)/.dev: $(VENV)/.train
	@echo "Installing what the tests need ..."
	$(PIP) -e '.[train,models,studio,zh,zstd,parquet,hub,web,dev]'
	@touch $@

browser: $(VENV)/.dev
	@$(BIN)/python scripts/browser.py
	@$(BIN)/python scripts/axe.py

demo: $(VENV)/.train ## run the shipped example through the whole journey
	$(BIN)/tilth run examples/brain-teasers/recipe.yaml --out $(RUN)
	$(BIN)/tilth train $(RUN)
	$(BIN)/tilth merge $(RUN)
	$(BIN)/tilth compare $(RUN)
	@echo
	@echo "Training data   $(RUN)/data/train.jsonl  validation.jsonl  test.jsonl"
	@echo "Data report     $(RUN)/report/data.html"
	@echo "Before/after    $(RUN)/report/compare.html"
	@echo "Talk to it      $(BIN)/tilth chat $(RUN)/model/merged"

test: $(VENV)/.dev browser check test-core ## format check, lint, types, docs, all default tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

check: $(VENV)/.dev ## format check, lint, types, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python scripts/reference.py --check

fast: $(VENV)/.dev ## unit tests without torch
	$(BIN)/python -m pytest -n 2 -m 'not train and not browser and not slow and not gpu and not network and not xtuner and not exports' --ignore tests/end_to_end

$(VENV)-core/.done: pyproject.toml constraints.txt
	@echo "Installing the core alone, to prove that the data half needs no torch ..."
	$(PYTHON) -m venv $(VENV)-core
	$(VENV)-core/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e . pytest
	@touch $@

test-core: $(VENV)-core/.done ## the data half with no extras installed
	$(VENV)-core/bin/python -m pytest -p no:cacheprovider tests/test_core_alone.py

test-browser: browser ## the pages in a real browser, alone
	$(BIN)/python -m pytest tests/browser

test-slow: $(VENV)/.dev ## the tests that take more than a minute
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

# XTuner lives in an environment of its own: its pins and ours do not meet. Its wheel comes without its dependencies
# (it asks for an older Python only because of one of them), and InternLM2's original code out of a later wheel of it.
$(VENV)-xtuner/.done: environments/xtuner.txt
	@echo "Installing XTuner 0.1.17 into $(VENV)-xtuner (once; torch is large) ..."
	$(PYTHON) -m venv $(VENV)-xtuner
	$(VENV)-xtuner/bin/python -m pip install --quiet --disable-pip-version-check -r environments/xtuner.txt
	$(VENV)-xtuner/bin/python -m pip install --quiet --no-deps --ignore-requires-python xtuner==0.1.17
	rm -rf $(VENV)-xtuner/later && mkdir -p $(VENV)-xtuner/later $(VENV)-xtuner/internlm2
	$(VENV)-xtuner/bin/python -m pip download --quiet --no-deps --ignore-requires-python --dest $(VENV)-xtuner/later xtuner==0.1.23
	cd $(VENV)-xtuner/later && ../bin/python -m zipfile -e xtuner-0.1.23-*.whl .
	cp $(VENV)-xtuner/later/xtuner/tools/model_converters/modeling_internlm2_reward/*_internlm2.py $(VENV)-xtuner/internlm2/
	rm -r $(VENV)-xtuner/later
	@touch $@

xtuner-env: $(VENV)-xtuner/.done ## an environment with XTuner 0.1.17, for `train.python` and for test-xtuner

test-xtuner: $(VENV)/.dev $(VENV)-xtuner/.done ## the tutorial's whole flow with XTuner on a CPU (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m xtuner -rA tests/xtuner

# Each tool that we export to, in an environment of its own: their pins do not meet either.
$(VENV)-exports/%/.done: environments/%.txt
	@echo "Installing $* into $(VENV)-exports/$* (once; torch is large) ..."
	$(PYTHON) -m venv $(VENV)-exports/$*
	$(VENV)-exports/$*/bin/python -m pip install --quiet --disable-pip-version-check -r environments/$*.txt
	$(if $(filter llamafactory,$*),$(VENV)-exports/$*/bin/python -m pip install --quiet --no-deps llamafactory==0.9.5)
	$(if $(filter axolotl,$*),$(VENV)-exports/$*/bin/python -m pip install --quiet --no-deps axolotl==0.19.0)
	@touch $@

exports-env: $(VENV)-exports/llamafactory/.done $(VENV)-exports/swift/.done $(VENV)-exports/axolotl/.done ## environments of the tools we export to

test-exports: $(VENV)/.dev exports-env ## each export through its tool's own reader or schema (minutes)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m exports -rA tests/exports

format: $(VENV)/.dev ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## write the generated reference
	$(BIN)/python scripts/reference.py

PEERS ?=
bench-traps: $(VENV)/.dev ## trap cases: ours beside other tools (PEERS=a Python that has them)
	$(BIN)/python -m benchmarks.traps.run tilth identity data-juicer jionlp $(if $(PEERS),--python $(PEERS) --write docs/benchmarks/traps.md)

.PHONY: bench-effect
bench-effect: $(VENV)/.dev ## training on the right answers beside training on shuffled ones, example and real rows
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.effect --write

bench-quality: $(VENV)/.dev ## quality on labelled real data (TILTH_REAL_DATA names the folder)
	$(BIN)/python -m benchmarks.quality --write

bench-real: $(VENV)/.dev ## real sets run whole, with pages of changes to look at (OUT=FOLDER, TILTH_REAL_DATA)
	$(BIN)/python -m benchmarks.real --out $(OUT)

ROWS ?= 300000
.PHONY: bench-models
bench-models: $(VENV)/.dev ## rate and CPU of asking models beside the bare client (WRITE=1)
	$(BIN)/python -m benchmarks.models $(if $(WRITE),--write)

bench-speed: $(VENV)/.dev ## time and memory as ratios to the floor (ROWS=300000, WRITE=1)
	$(BIN)/python -m benchmarks.speed --rows $(ROWS) $(if $(WRITE),--write)

.PHONY: bench-steps
bench-steps: $(VENV)/.dev ## what each step on single samples costs, beside the floor (WRITE=1)
	$(BIN)/python -m benchmarks.speed.steps $(if $(WRITE),--write)

# Data-Juicer installs more by itself when it first runs (torch among it, about 6 GB): let that happen nowhere else.
$(VENV)-peers/.done: environments/data-juicer.txt
	@echo "Installing Data-Juicer 1.6.1 into $(VENV)-peers (once) ..."
	$(PYTHON) -m venv $(VENV)-peers
	$(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check -r environments/data-juicer.txt
	@touch $@

.PHONY: bench-peers
bench-peers: $(VENV)/.dev $(VENV)-peers/.done ## the same rows through Data-Juicer and Tilth, in turns (ROWS=20000)
	$(BIN)/python -m benchmarks.speed.peers --juicer $(VENV)-peers/bin/python $(if $(filter-out file,$(origin ROWS)),--rows $(ROWS)) --write

SAMPLES ?= 100000
bench-studio: $(VENV)/.dev ## the studio on a large run, beside an empty page (SAMPLES=100000, WRITE=1)
	$(BIN)/python -m benchmarks.studio --rows $(SAMPLES) $(if $(WRITE),--write)

bench-start: $(VENV)/.dev ## how soon commands begin, beside a bare application (WRITE=1)
	$(BIN)/python -m benchmarks.start $(if $(WRITE),--write)

bench-tokens: $(VENV)/.dev ## `tilth tokens` beside the bare tokenizer (MODELS=folders, WRITE=1)
	$(BIN)/python -m benchmarks.tokens $(if $(MODELS),--model $(MODELS)) $(if $(WRITE),--write)

bench-train: $(VENV)/.dev ## a training step beside a bare trl script (WRITE=1)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.train.overhead $(if $(WRITE),--write)

bench-gpu: $(VENV)/.dev ## our training defaults beside trl's on a CUDA device (SHAPE=100m|400m|1b, WRITE=1)
	$(BIN)/python -m benchmarks.train.gpu $(if $(SHAPE),--shape $(SHAPE)) $(if $(WRITE),--write)

clean: ## remove environments and runs
	rm -rf $(VENV) $(VENV)-core $(VENV)-xtuner $(VENV)-exports $(VENV)-peers runs
