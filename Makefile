# Types the CMake commands; CMakeLists.txt and CMakePresets.json are the build. `make help` lists the targets.
PREFIX ?= /usr/local
DESTDIR ?=
CMAKE_ARGS ?=
DEMO_ARGS ?=
TEST_ARGS ?=

configure = cmake --preset release $(CMAKE_ARGS) --log-level=WARNING >/dev/null

.PHONY: all help demo test bench bench-search bench-search-pymoo bench-bf16 check sanitize fuzz format pictures config-docs event-docs mistake-docs deb install clean

all: ## build/quantea and build/libquantea.so
	@scripts/install-deps --check build
	@test -f build/build.ninja || $(configure) -DQEA_TESTS=OFF
	@cmake --build build --target quantea_command quantea_library quantea_documents

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: ## search and full training on Fashion-MNIST, a few minutes (DEMO_ARGS="--set KEY=VALUE ...")
	@scripts/install-deps build demo
	@$(MAKE) --no-print-directory all
	build/quantea run demo/fashion.yml $(DEMO_ARGS)

test: ## all tests; the last line counts them (TEST_ARGS="-R search" goes to ctest)
	@scripts/install-deps build test
	@$(configure) -DQEA_TESTS=ON
	@cmake --build build
	@scripts/run-tests build $(TEST_ARGS)

bench: ## training speed beside PyTorch's, how it scales, where the time goes, kernels (BENCH_ARGS="--isa avx2 --scaling")
	@scripts/install-deps build test bench
	@$(configure) -DQEA_TESTS=ON
	@cmake --build build --target kernels_test_cpu bench_train
	@build/kernels_test_cpu --bench
	@build/bench_train $(BENCH_ARGS)

bench-search: ## hypervolume over trials of the search and its helps, random search, the original's rule (BENCH_ARGS="--seeds 10")
	@scripts/install-deps build
	@$(MAKE) --no-print-directory all
	@cmake --build build --target bench_search
	@build/bench_search $(BENCH_ARGS)

bench-search-pymoo: ## the same with pymoo's NSGA-III, where a Python has pymoo (QEA_PYTHON, by default python3)
	@python=$${QEA_PYTHON:-python3}; if "$$python" -c 'import pymoo' 2>/dev/null; then \
	    $(MAKE) --no-print-directory bench-search BENCH_ARGS="--pymoo $$python $(BENCH_ARGS)"; \
	else echo "bench-search-pymoo: skipped, $$python has no pymoo (pip install pymoo)"; fi

bench-bf16: ## whether bf16 costs accuracy: w2a4 on CIFAR-10, 3 seeds, 15 epochs, beside float32; hours (BENCH_ARGS="FOLDER")
	@scripts/install-deps build bench
	@$(MAKE) --no-print-directory all
	@python3 bench/bf16_accuracy.py $(BENCH_ARGS)

check: ## format, layers, headers, names, documents, scripts, symbols, calls
	@scripts/install-deps build check
	@$(MAKE) --no-print-directory all
	@scripts/check-format
	@scripts/check-layers
	@scripts/check-headers
	@scripts/check-names
	@scripts/check-docs
	@scripts/check-scripts
	@scripts/check-symbols build
	@scripts/check-calls build

sanitize: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/install-deps build test
	@cmake --preset asan --log-level=WARNING >/dev/null
	@cmake --build --preset asan
	@scripts/run-tests build-asan $(TEST_ARGS)

fuzz: ## every fuzz target for FUZZ_SECONDS (8)
	@scripts/install-deps build check
	@cmake --preset fuzz --log-level=WARNING >/dev/null
	@cmake --build --preset fuzz --target fuzzers
	@scripts/run-fuzzers build-fuzz $(FUZZ_SECONDS)

format: ## clang-format on all sources
	@scripts/install-deps check
	@scripts/check-format --fix

pictures: ## docs/pictures/*.png: report.html (in a headless Chromium) and the terminal of a demonstration of some minutes
	@scripts/install-deps build demo browser
	@$(MAKE) --no-print-directory all
	@scripts/make-pictures

config-docs: ## docs/config.md from the table of configuration keys
	@scripts/install-deps build test
	@$(configure) -DQEA_TESTS=ON
	@cmake --build build --target study_test_config_document
	@QEA_UPDATE_DOCS=1 build/study_test_config_document

event-docs: ## docs/events.md from the tables of events
	@scripts/install-deps build test
	@$(configure) -DQEA_TESTS=ON
	@cmake --build build --target study_test_events
	@QEA_UPDATE_DOCS=1 build/study_test_events

mistake-docs: ## docs/mistakes.md from the messages that the command prints
	@scripts/install-deps build test
	@$(configure) -DQEA_TESTS=ON
	@cmake --build build --target quantea_command cli_test_mistakes
	@QEA_UPDATE_DOCS=1 QEA_COMMAND=$(CURDIR)/build/quantea build/cli_test_mistakes

deb: all ## a Debian package, build/quantea_VERSION_ARCHITECTURE.deb
	@scripts/install-deps deb
	@cmake -DCMAKE_INSTALL_PREFIX=/usr build >/dev/null
	@cpack --config build/CPackConfig.cmake -B build

install: all ## command, library, headers, pkg-config and CMake files, man pages, completions (PREFIX, DESTDIR)
	@cmake -DCMAKE_INSTALL_PREFIX=$(PREFIX) build >/dev/null
	@DESTDIR=$(DESTDIR) cmake --install build

clean: ## removes every build folder
	rm -rf build build-*
