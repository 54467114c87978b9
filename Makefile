# SPDX-License-Identifier: Apache-2.0
# The front door: meson and ninja do the building, scripts/ the rest. `make help` lists what there is.
CACHE := $(or $(TETRAGON_CACHE),/var/cache/tetragon-rthooks)
export TETRAGON_CACHE := $(CACHE)
PYTHON := $(CACHE)/venv/bin/python
PROGRAMS := $(patsubst tests/programs/%.c,build/programs/%,$(wildcard tests/programs/*.c))
ARGS ?=
N ?= 200
SECONDS ?= 60

.PHONY: all build demo test lint bench escape fuzz vm fmt clean help deps deps-lint programs asan fuzzers
.DEFAULT_GOAL := all

all: build ## build all programs into build/bin/

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

deps:
	@scripts/deps build test

deps-lint:
	@scripts/deps build lint

# meson decides itself whether anything has to be configured again; only the first set-up is ours.
build/main/build.ninja: | deps
	meson setup -Dcache_dir=$(CACHE) build/main
build/static/build.ninja: | deps
	meson setup --native-file scripts/musl.ini -Dstatic_only=true -Dcache_dir=$(CACHE) build/static
build/asan/build.ninja: | deps
	meson setup -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 -Dcache_dir=$(CACHE) build/asan
build/fuzz/build.ninja: | deps
	CC=clang meson setup -Dfuzz=true -Db_lundef=false -Doptimization=1 -Dcache_dir=$(CACHE) build/fuzz

build: deps build/main/build.ninja build/static/build.ninja programs
	@ninja -C build/main --quiet
	@ninja -C build/static --quiet
	@scripts/collect-programs

asan: deps build/asan/build.ninja
	@ninja -C build/asan --quiet

fuzzers: deps build/fuzz/build.ninja
	@ninja -C build/fuzz --quiet fuzz

# What runs in the test containers: no libc, so that the first instruction is the test's own.
programs: $(PROGRAMS)
FREESTANDING := -std=gnu17 -O2 -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -fcf-protection=none \
	-fno-asynchronous-unwind-tables -Wall -Wextra -Wshadow -Wconversion -Werror
build/programs/%: tests/programs/%.c tests/programs/nolibc.h
	@mkdir -p $(@D)
	gcc $(FREESTANDING) $(if $(filter %_i386,$*),-m32) -o $@ $<

demo: all ## the main job: a forbidden system call kills one container, the other lives
	@scripts/demo

test: ## all tests; the last line is "N passed, N failed"
	@scripts/run-tests $(ARGS)

lint: deps-lint ## formatting, clang-tidy, shellcheck, licence lines, direction of dependencies
	@scripts/lint

fmt: ## clang-format on all sources
	@git ls-files '*.c' '*.h' | xargs clang-format -i

bench: all ## times and sizes (docs/performance.md)
	@tests/bench/run.py $(ARGS)
	@tests/bench/nri.py $(NRI_ARGS)

escape: all ## N starts that try to escape: make escape N=200
	@$(PYTHON) tests/escape/escape.py --starts $(N) $(ARGS)

fuzz: fuzzers ## each fuzz target for SECONDS=60
	@scripts/run-fuzz $(SECONDS)

vm: ## first system call killed on Debian's 5.10 and 6.1 (QEMU, no KVM needed)
	@scripts/deps build test vm
	@$(MAKE) --no-print-directory build
	@tests/vm/smoke 5.10 6.1

clean: ## remove build/
	rm -rf build
