PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup check test coverage test-all demo picture results bench adapters alignment noise-levels full-size \
        tiny tiny-second mutations foreign-clips clean

help:
	@grep -E '^## ' Makefile | sed 's/^## //'

## make setup        virtual environment in .venv, pinned install
setup: .venv/.installed
.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	touch $@

## make check        lint, format, types, import direction
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_layers.py

## make test         the test suite (under 15 minutes on 2 cores)
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2

## make coverage     the test suite, and which lines it does not reach
coverage: setup
	OMP_NUM_THREADS=1 COVERAGE_CORE=sysmon $(BIN)/coverage run --source=ltx,adapters,foresight -m pytest -q
	$(BIN)/coverage report --skip-covered --sort=cover

## make test-all     the test suite and the longer proofs
test-all: setup
	$(BIN)/python -m pytest -q -m "slow or not slow"

RUN := $(BIN)/foresight
PARTS := runs/tiny-parts
TINY := runs/foresight-tiny

## make demo         predict a held-out clip, verify the prediction, write runs/demo
demo: setup
	$(RUN) predict video=experiments/clips/demo.mp4 instruction="$$(cat experiments/clips/demo.txt)" model=tiny run=runs/demo replace=true

## make picture      the README's moving picture, of the demo's run
picture: demo
	$(BIN)/python -m experiments.clips.moving_picture runs/demo docs/demo.gif

## make results      measure again every number of the README and of docs
results: setup
	$(RUN) evaluate benchmark=prediction model=tiny page=docs/results.md
	$(RUN) evaluate benchmark=verification benchmark.cases.clips=1000 model=tiny page=docs/results.md
	for card in rollout surprise choice; do \
	  $(RUN) evaluate benchmark=$$card model=tiny page=docs/streams.md || exit 1; done
	for card in actions conditioning understanding prediction_elsewhere verification_elsewhere; do \
	  $(RUN) evaluate benchmark=$$card model=tiny page=docs/verification.md || exit 1; done
	$(RUN) evaluate benchmark=correction model=tiny page=docs/loop.md
	$(BIN)/python -m experiments.promises

## make bench        time transformer, VAE and sampling against diffusers (BENCH="--size 2b --device cuda" at full size)
bench: setup
	$(BIN)/python -m experiments.benchmarks.transformer $(BENCH)
	$(BIN)/python -m experiments.benchmarks.vae $(BENCH)
	$(BIN)/python -m experiments.benchmarks.sampling $(BENCH)

## make adapters     train every adapter from cached features and measure what it does
adapters: export MALLOC_MMAP_MAX_ = 0
adapters: export MALLOC_TRIM_THRESHOLD_ = 34359738368
adapters: export MALLOC_TOP_PAD_ = 268435456
adapters: setup
	$(BIN)/python -m experiments.adapters.study runs/adapters

## make alignment    how well VLM states and latents align, layer by layer: table and figure
alignment: setup
	$(BIN)/python -m experiments.alignment.study runs/alignment

## make noise-levels quality, sharpness and latency at every noise level, with the adapters of `make adapters`
noise-levels: setup
	$(BIN)/python -m experiments.noise_levels.study runs/noise_levels

## make full-size    every command on checkpoints of true size with random weights: memory and time (25 GB in ROOT=folder)
ROOT ?= runs/full_size
full-size: setup
	$(BIN)/python -m experiments.full_size.proof $(ROOT)

## make tiny         train the embedded model again from nothing, in order; started again, it goes on
# Every step frees and asks for the same large activations. By default glibc gives them back to the kernel in between,
# and page faults then take most of the time: kept in the process, training was measured four times as fast.
tiny tiny-second: export MALLOC_MMAP_MAX_ = 0
tiny tiny-second: export MALLOC_TRIM_THRESHOLD_ = 34359738368
tiny tiny-second: export MALLOC_TOP_PAD_ = 268435456
tiny: setup
	$(RUN) train experiment=tiny/vae
	$(RUN) train experiment=tiny/vae_decoder
	$(RUN) train experiment=tiny/transformer
	$(RUN) train experiment=tiny/vlm
	$(RUN) train experiment=tiny/adapter_align
	$(RUN) train experiment=tiny/adapter
	$(BIN)/python -m experiments.tiny.assemble $(PARTS) $(TINY)
	$(RUN) fit-verifier model=folder model.where=$(TINY) to=$(TINY)/verifier
	$(RUN) calibrate calibration=alarm model=folder model.where=$(TINY) to=$(TINY)
	$(RUN) calibrate calibration=temperature model=folder model.where=$(TINY) to=$(TINY)

# From there into the wide world, as far as its recipes have been written: the parts are not put together yet.
tiny-second: tiny $(PARTS)/second/grown/config.json
	$(RUN) train experiment=tiny/second/vae
	$(RUN) train experiment=tiny/second/vae_sharp
	$(RUN) train experiment=tiny/second/transformer

$(PARTS)/second/grown/config.json:
	$(BIN)/python -m experiments.tiny.grow_vae $(PARTS)/vae $(@D)

## make mutations    change one operator, or take out one guard, at a time: does a test fail? Hours; started again,
##                    it goes on (SEED=1 COUNT=100 KIND=operators or guards ONLY="files and folders")
SEED ?= 1
COUNT ?= 100
KIND ?= operators
ONLY ?= ltx adapters foresight
mutations: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev,mutations]"
	nice -n 10 $(BIN)/python -m experiments.mutations.study runs/mutations/$(KIND)/$(SEED) \
		--kind $(KIND) --seed $(SEED) --count $(COUNT) --only $(ONLY)

## make foreign-clips  from recorded videos of a foreign kind to verified predictions; started again, it goes on
foreign-clips: setup
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev,foreign]"
	$(BIN)/python -m experiments.foreign_clips.study runs/foreign_clips

clean:
	rm -rf .venv runs .cache
