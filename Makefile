# SPDX-License-Identifier: Apache-2.0
# A short front of Meson. Everything it makes is under build/.

PYTHON = /usr/bin/python3
MESON  = meson
PREFIX = /usr/local
# WERROR=true makes warnings errors (as .ci/run does); CERTS are for `make run`, T for `make fuzz`.
WERROR = false
CERTS  =
T      = 60
# For `make sim`: one world (SEED, DAYS, CERTS, LEVEL facts or der, SCENARIO); PATCH for `make mutant`.
SEED     =
DAYS     =
LEVEL    = facts
SCENARIO = random
PATCH    =
CHECK    =
ONE_WORLD = $(SEED)$(DAYS)$(CERTS)$(filter command,$(origin SCENARIO) $(origin LEVEL))

.DEFAULT_GOAL = help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r target what; do \
		printf '  make %-12s %s\n' "$$target" "$$what"; done

deps: ## installs what is missing on Debian 12 (root or sudo)
	@tools/deps build demo test lint

build: deps-build build/build.ninja ## build/clinch and the libraries, the hardened release build
	@ninja -C build clinch docs/clinch.1 libraries

demo: deps-demo build ## the main job on real servers, in under a minute
	@$(PYTHON) tests/e2e/demo.py --clinch build/clinch --work build/demo

run: build ## the daemon for certificates: make run CERTS='PATH...'
	build/clinch run $(CERTS) --state build/state --allow-loopback

check: build layers lint ## the quick one: unit tests, a short simulation, lint
	@ninja -C build sim/clinch-sim
	@build/sim/clinch-sim --seeds 8
	@tools/run-tests --unit build

test: deps-test deps-judges deps-plays check fuzzers build/debug/build.ninja build/tsan/build.ninja ## all: sanitizers, vectors, fuzzers, judges, plays
	@ninja -C build/debug clinch
	@tools/run-tests --unit build/debug --unit build/tsan:staple --conformance build --conformance build/debug \
		--fuzz 30 --judges build --plays

fuzz: fuzzers ## the fuzzers, T seconds each: make fuzz T=60
	@tests/fuzz/run --each $(T)

judges: deps-judges build ## real clients judge our table
	@tests/judges/run full

sim: deps-build build/build.ninja ## the simulator; SEED= DAYS= CERTS= SCENARIO= LEVEL=
	@ninja -C build sim/clinch-sim
	@$(if $(ONE_WORLD),build/sim/clinch-sim --seed $(or $(SEED),1) $(if $(DAYS),--days $(DAYS)) \
		$(if $(CERTS),--certs $(CERTS)) --scenario $(SCENARIO) --level $(LEVEL),tools/sim build/sim/clinch-sim)

sim-long: deps-build build/build.ninja ## the simulator, 10,000 seeds
	@ninja -C build sim/clinch-sim
	@tools/sim --long build/sim/clinch-sim

availability: deps-build build/build.ninja ## docs/availability.md anew
	@ninja -C build sim/clinch-compare
	@tools/availability --program build/sim/clinch-compare $(CHECK)

mutants: deps-build ## planted bugs: the simulator must find each
	@tools/mutants

mutant: deps-build ## one from outside: make mutant PATCH=FILE
	@tools/mutants --patch "$(PATCH)"

bench: deps-test build ## what an answer costs, a pass, an event, publishing, stapling
	@ninja -C build bench/bench-verify bench/bench-engine bench/bench-publish bench/bench-staple
	@$(PYTHON) bench/verify.py --program build/bench/bench-verify
	@$(PYTHON) bench/engine.py --program build/bench/bench-engine
	@$(PYTHON) bench/once.py --clinch build/clinch
	@$(PYTHON) bench/publish.py --program build/bench/bench-publish
	@$(PYTHON) bench/staple.py --program build/bench/bench-staple

lint: deps-lint ## rules of the code: style, sizes, banned words, layers
	@tools/lint
	@tools/check-layers
	@tools/rfc-coverage --check
	@tools/options check docs/options
	@tools/test-tools

format: deps-lint ## clang-format over all C files
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

install: build ## meson install; PREFIX=/usr/local, DESTDIR=
	@$(MESON) configure build -Dprefix=$(PREFIX)
	@ninja -C build clinch docs/clinch.1 libraries
	@$(MESON) install -C build --no-rebuild $(if $(DESTDIR),--destdir $(abspath $(DESTDIR)))

# Below: only for the targets above.
layers: build
	@tools/check-layers build

build/build.ninja: | deps-build
	@$(MESON) setup build -Dwerror=$(WERROR)

build/debug/build.ninja: | deps-build
	@$(MESON) setup build/debug -Dbuildtype=debug -Db_sanitize=address,undefined \
		-Db_lundef=false -Dc_args=-fno-sanitize-recover=all -Dwerror=$(WERROR)

# What many threads of other people's servers go through: the libraries alone.
build/tsan/build.ninja: | deps-build
	@$(MESON) setup build/tsan -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false \
		-Dwerror=$(WERROR)

fuzzers: deps-clang build/fuzz/build.ninja
	@ninja -C build/fuzz fuzz

build/fuzz/build.ninja: | deps-build deps-clang
	@CC=clang $(MESON) setup build/fuzz -Dfuzz=true -Dtests=disabled -Dbuildtype=debugoptimized \
		-Db_sanitize=address,undefined -Db_lundef=false -Dwerror=$(WERROR) \
		-Dc_args='-fsanitize=fuzzer-no-link -fno-sanitize-recover=all'

deps-build deps-demo deps-test deps-lint deps-judges deps-plays deps-clang:
	@tools/deps $(@:deps-%=%)

.PHONY: help deps build demo run check test fuzz fuzzers judges bench lint format install layers \
	sim sim-long mutants mutant availability \
	deps-build deps-demo deps-test deps-lint deps-judges deps-plays deps-clang
