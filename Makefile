# The commands of this project. Each is thin: the work is done by Meson and by the scripts in tools/.
# `make demo` and `make check` install what Debian 12 lacks; nothing else needs to be there but git,
# make and root or sudo.

SCALE ?= 1
SEED ?= 0
JOBS ?= 2
FUZZ_SECONDS ?= 60
RUNS ?= 5

.PHONY: all demo check e2e lint san node promtool tsan clang fuzz fuzz-corpus mutate coverage torture bench \
	bench-smoke bench-decode bench-engine parity install recording golden-update format clean help

all: ## Build build/scripta and build/scripta-media
	@tools/bootstrap.sh build
	@tools/build.sh release >/dev/null

demo: ## Install, build, transcribe a real recording; ends with what to try next
	@tools/demo.sh

check: san node promtool ## Build with sanitizers and run every test
	@tools/run-tests.py build-san

e2e: san node promtool ## The end-to-end tests alone: make e2e ARGS="-k upload"
	@tools/run-tests.py build-san --e2e-only $(ARGS)

lint: ## Format, layers, sizes, rules, spelling, cppcheck, clang-tidy
	@tools/bootstrap.sh build lint test
	@tools/build.sh clang-headers >/dev/null
	@tools/lint.py build-clang

san: ## The build of `make check`: gcc, AddressSanitizer, UndefinedBehaviorSanitizer
	@tools/bootstrap.sh build run test
	@tools/build.sh san >/dev/null

node: ## Install the clients and parsers of other people that the end-to-end tests use
	@tools/bootstrap.sh node
	@tools/node-modules.sh

promtool: ## Have the program that the tests of metrics and alert rules use
	@tools/promtool.sh >/dev/null

tsan: ## Unit tests of the modules with threads, and a busy server, under ThreadSanitizer
	@tools/bootstrap.sh build run test
	@tools/build.sh tsan >/dev/null
	@tools/run-tests.py build-tsan --threads

clang: ## Build everything with clang and run the unit tests
	@tools/bootstrap.sh build run test clang
	@tools/build.sh clang >/dev/null
	@tools/run-tests.py build-clang --meson-only --suite unit

fuzz: ## Fuzz each target for FUZZ_SECONDS; a find is kept beside its corpus
	@tools/bootstrap.sh build test clang
	@tools/build.sh fuzz >/dev/null
	@tools/fuzz.py build-fuzz --seconds $(FUZZ_SECONDS) $(ARGS)

fuzz-corpus: ## Run every fuzz target once over its corpus, with clang's sanitizers
	@tools/bootstrap.sh build test clang
	@tools/build.sh fuzz >/dev/null
	@tools/fuzz.py build-fuzz --corpus

mutate: ## Break the code in 100 ways; do the tests notice? SEED=n JOBS=2 ARGS=--survivors
	@tools/bootstrap.sh build run test
	@tools/mutate.py --seed $(SEED) --jobs $(JOBS) $(ARGS)

coverage: ## Lines and branches of queue, store and parsers that tests run; fails below the bars
	@tools/bootstrap.sh build run test coverage
	@tools/build.sh cov >/dev/null
	@tools/coverage.py build-cov $(ARGS)

torture: san ## Fault tests: SCALE=1|full|n CASES="G1 G9" SEED=n JOBS=2 ARGS=--fresh
	@tools/torture.py build-san --scale $(SCALE) --seed $(SEED) --jobs $(JOBS) $(ARGS) $(CASES)

bench: ## Measure, and write docs/benchmarks.md: make bench ONLY="start upload" RUNS=5
	@tools/bootstrap.sh build run test bench
	@tools/build.sh bench >/dev/null
	@python3 -m bench --runs $(RUNS) $(ONLY)

bench-smoke: san ## See that every bench still works, in a minute; decides nothing about speed
	@tools/run-tests.py build-san --e2e-only tests/e2e/test_bench.py

bench-decode: ## Speed of decoding against the same libraries in a bare loop
	@tools/bootstrap.sh build test
	@tools/build.sh bench >/dev/null
	@python3 -m bench --no-docs --runs $(RUNS) decode

bench-engine: ## Speed of the Whisper engine; REFERENCE=PREFIX (or system): libwhisper beside it
	@tools/bootstrap.sh build test
	@tools/build.sh bench >/dev/null
	@REFERENCE="$(REFERENCE)" python3 -m bench --no-docs --runs $(RUNS) engine whisper

parity: ## Compare the Whisper engine with libwhisper: make parity REFERENCE=PREFIX
	@tools/bootstrap.sh build test
	@tools/parity.sh $(REFERENCE)

install: all ## Install: make install PREFIX=/usr/local; DESTDIR is respected
	@[ -z "$(PREFIX)" ] || { meson configure build -Dprefix="$(PREFIX)" && \
		tools/build.sh release >/dev/null; }
	@meson install -C build --no-rebuild

recording: all ## Record docs/img/session.txt in a terminal as docs/img/session.svg
	@tools/bootstrap.sh run record
	@PATH="$(CURDIR)/build:$$PATH" tools/record.py docs/img/session.txt docs/img/session.svg

golden-update: san ## Rewrite the expected files of the golden tests; review the diff
	@SC_GOLDEN_UPDATE=1 tools/run-tests.py build-san --meson-only
	@git --no-pager diff --stat -- tests/golden

format: ## clang-format over our sources
	@tools/bootstrap.sh lint
	@git ls-files -co --exclude-standard '*.c' '*.h' | xargs clang-format -i

clean: ## Delete every build; the demo's data folder, build/demo, stays
	@rm -rf build-* .cache
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name demo -exec rm -rf {} +

help: ## This list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile
