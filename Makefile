# SPDX-License-Identifier: Apache-2.0
# `make help` lists what there is. `make run` and `make test` need nothing done before them.
MAKEFLAGS += --no-builtin-rules
SHELL := /bin/sh
.DEFAULT_GOAL := help

dist := sidecar/target/dist
built := $(dist)/.built
# What the installation tree is made from; tests are not.
sources := $(shell find pom.xml .mvn proto bpf jni sidecar scripts/find-jdk.sh \
	\( -name target -o -name build -o -path '*/src/test' \) -prune -o -type f -print)
commit = $(shell git describe --always --dirty 2>/dev/null || echo unknown)
maven = JAVA_HOME="$$(scripts/find-jdk.sh)" mvn -B -Dmeshlens.commit=$(commit)
as_root = @[ "$$(id -u)" = 0 ] || { echo "this needs root: sudo make $@" >&2; exit 1; }
# The Debian suite whose kernel `make test` boots: 5.10, the oldest that the program is for.
oldest_kernel := bullseye
# How long receivers are away in `make soak`.
SOAK_SECONDS ?= 600
# What `make run` passes on:  make run ARGS="--set access_log.als.address=localhost:9001"
ARGS ?=

## run      install what is missing, build, and watch this machine (stop with Ctrl-C)
run:
	$(as_root)
	@$(MAKE) -s --no-print-directory build >&2
	@exec ./meshlens run $(ARGS)

## test     install what is missing, build, and run every test, on this kernel and on Linux 5.10
test:
	$(as_root)
	@scripts/install-packages.sh build test kernels
	scripts/check-shell.sh
	clang-format --dry-run --Werror scripts/kernels/*.c
	$(MAKE) --no-print-directory -C bpf format-check
	$(maven) verify
	@touch $(built)
	scripts/kernels.sh --skip-unavailable $(oldest_kernel)

## kernels  try the program on Debian's kernels in virtual machines, 5.10 to the newest, and on this one
kernels:
	$(as_root)
	@scripts/install-packages.sh build kernels
	@$(MAKE) --no-print-directory build
	scripts/kernels.sh --report docs/reference/kernels.md

## build    only build: leaves the program in sidecar/target/dist
build: $(built)

## dist     the same as build, without installing packages
dist:
	$(maven) -pl proto,jni,bpf,sidecar package -Dmaven.test.skip=true -Dspotless.check.skip
	@touch $(built)

$(built): $(sources)
	@[ "$$(id -u)" != 0 ] || scripts/install-packages.sh build
	@$(MAKE) --no-print-directory dist

## bench    the cost of observing: bare, beside meshlens, beside bcc's tcplife, interleaved
bench:
	$(as_root)
	@scripts/install-packages.sh build bench
	@$(MAKE) --no-print-directory build
	benchmarks/overhead.sh

## image    build the container image with buildah and try it
image:
	$(as_root)
	scripts/image.sh

## kubernetes  give the chart's objects to a real API server, and read identities from one
kubernetes:
	$(as_root)
	scripts/kubernetes-test.sh
	MESHLENS_KUBE_BIN="$${MESHLENS_KUBE_BIN:-$${XDG_CACHE_HOME:-$$HOME/.cache}/meshlens/kube/bin}" \
		$(maven) -pl jni,proto,bpf,sidecar verify -Dtest=none -Dit.test=KubernetesApiIT \
		-Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false

## third-party  send access logs to Apache SkyWalking and compare what it gives back
third-party:
	$(as_root)
	@scripts/install-packages.sh build test
	@$(MAKE) --no-print-directory build
	scripts/third-party.sh

## soak     ten minutes (SOAK_SECONDS) without the receivers of access logs; then they and the program are killed often
soak:
	$(as_root)
	@scripts/install-packages.sh build test
	$(maven) -pl jni,proto,bpf,sidecar verify -Dtest=none -Dit.test='DeliverySoakIT,HungReceiverIT' \
		-Dmeshlens.soak.away_seconds=$(SOAK_SECONDS) -Dmeshlens.soak.kills=20 -Dmeshlens.soak.own_kills=20 \
		-Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false

## wire     regenerate the Java readers after a change of bpf/include/wire.h
wire:
	$(maven) -pl jni,bpf test -Dtest=WireReadersTest -Dsurefire.failIfNoSpecifiedTests=false -Dgolden.update=true

## golden   rewrite the expected outputs of tests, for review with git diff
golden:
	$(maven) test -Dgolden.update=true

## format   rewrite all C and Java by the house's formatters
format:
	$(MAKE) --no-print-directory -C bpf format
	clang-format -i scripts/kernels/*.c
	$(maven) spotless:apply

## clean    remove everything built
clean:
	rm -rf target proto/target jni/target bpf/target bpf/build sidecar/target benchmarks/target

## help     this list
help:
	@sed -n 's/^## //p' Makefile

.PHONY: run test kernels build dist bench image kubernetes third-party soak wire golden format clean help
