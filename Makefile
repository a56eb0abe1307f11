# Everything that a person types. `make help` lists it; `make run` does the main job.
#
# All output lies under build/ (and console/dist; what npm fetches, in folders
# node_modules). Versions are pinned by go.sum and package-lock.json; what is
# missing on the machine is installed from Debian where this runs as root, or
# named in one sentence.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS   += --no-print-directory
.DEFAULT_GOAL := build
.SECONDARY:

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo 0.1.0-dev)
COMMIT  := $(shell git rev-parse --short HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
GOBUILD := CGO_ENABLED=0 go build -trimpath -buildvcs=false
RUN     := build/run-atoll -build build
# Prints what failed, and each skipped test with its reason; a skip without one fails.
REPORT  := "$(CURDIR)/build/report"

# Extensions that the binary carries.
SHIPPED := logging
BUILTIN := $(SHIPPED:%=core/extension/builtin/%.tar)

# Modules beside the main one.
GO_MODULES := sdk/go sdk/fragment manifests/local extensions/hello $(SHIPPED:%=extensions/%)

## ---- the main job

.PHONY: help run start stop status
help: ## list what can be typed
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## start Atoll and a Kubernetes, stay in front until Ctrl-C
	@$(RUN) up

start: build ## the same in the background; returns when it is ready
	@$(RUN) start

stop: ## end what `make start` began
	@if [ -x build/run-atoll ]; then $(RUN) stop; else echo "nothing runs"; fi

status: ## say what runs
	@if [ -x build/run-atoll ]; then $(RUN) status; else echo "nothing runs"; fi

## ---- building

.PHONY: build atoll tools extensions console-dist clean
build: | need-go need-node ## build everything (Kubernetes itself is built by the first start)
	@$(MAKE) -j2 tools console-dist atoll-parts
	@$(MAKE) link

# The packages are compiled while npm works; only the link waits for both.
.PHONY: atoll-parts
atoll-parts: extensions
	@echo "building  atoll's packages"
	@$(GOBUILD) ./core/...

atoll: console-dist extensions
	@$(MAKE) link

# Of what is built already.
.PHONY: link
link:
	@echo "linking   build/atoll"
	@$(GOBUILD) -ldflags '$(LDFLAGS)' -o build/atoll ./core/cmd/atoll

tools:
	@echo "building  build/local build/run-atoll build/report"
	@$(GOBUILD) -o build/run-atoll ./manifests/run
	@$(GOBUILD) -o build/report ./manifests/report
	@cd manifests/local && $(GOBUILD) -o ../../build/local ./cmd/local

extensions: $(BUILTIN)

# go build decides by itself whether anything has to be done.
.PHONY: FORCE
build/extensions/%.wasm: FORCE
	@echo "building  $@"
	@mkdir -p build/extensions
	@cd extensions/$* && GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o ../../$@ .

build/extensions/%.tar: build/extensions/%.wasm
	@go run ./core/extension/pack extensions/$* $< -o $@

# A guest that attacks the browser, for the test of origins.
build/extensions/hostile.wasm: FORCE
	@echo "building  $@"
	@mkdir -p build/extensions
	@cd core/server/testdata/hostile && GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -trimpath -ldflags='-s -w' -o ../../../../$@ .
build/extensions/hostile.tar: build/extensions/hostile.wasm
	@go run ./core/extension/pack core/server/testdata/hostile $< -o $@

core/extension/builtin/%.tar: build/extensions/%.tar
	@cmp -s $< $@ || cp $< $@

# Guests that attack the sandbox, but for those in Go.
HOSTILE := core/sandbox/hostile/testdata
$(HOSTILE)/node_modules/.package-lock.json: $(HOSTILE)/package-lock.json | need-node
	@echo "fetching  what builds the hostile guests"
	@cd $(HOSTILE) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
build/hostile: $(HOSTILE)/node_modules/.package-lock.json $(HOSTILE)/build.mjs $(wildcard $(HOSTILE)/prelude.*) $(HOSTILE)/guests $(wildcard $(HOSTILE)/guests/*) | need-rust
	@echo "building  the hostile guests"
	@node $(HOSTILE)/build.mjs $@
	@touch $@

# Back ends that tests need for real, from package registries, in their own folders.
BACKENDS := build/backends/elasticsearch/start build/backends/keycloak/start build/backends/helm/helm build/backends/schemathesis/bin/schemathesis

build/backends/elasticsearch/start: $(wildcard manifests/backends/elasticsearch/*) | need-java
	@echo "fetching  Elasticsearch's jars (36 MB, once)"
	@rm -rf build/backends/elasticsearch/lib && mkdir -p build/backends/elasticsearch
	@mvn -B -f manifests/backends/elasticsearch/pom.xml \
	  dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$(CURDIR)/build/backends/elasticsearch/lib" \
	  | awk '/Downloaded from/ && ++n % 50 == 0 { printf "          %d files\n", n; fflush() } /ERROR|WARN.*fail/'
	@echo "building  Elasticsearch's launcher"
	@javac -cp 'build/backends/elasticsearch/lib/*' -d build/backends/elasticsearch manifests/backends/elasticsearch/Elasticsearch.java
	@cp manifests/backends/elasticsearch/start $@

build/backends/keycloak/start: $(wildcard manifests/backends/keycloak/*) | need-java
	@echo "fetching  Keycloak (169 MB, once)"
	@rm -rf build/backends/keycloak && mkdir -p build/backends/keycloak
	@mvn -q -B -f manifests/backends/keycloak/pom.xml dependency:unpack-dependencies -DincludeTypes=zip -DoutputDirectory="$(CURDIR)/build/backends/keycloak" \
	  -DmarkersDirectory="$(CURDIR)/build/backends/keycloak/unpacked"
	@echo "building  Keycloak's server"
	@cd build/backends/keycloak/keycloak-* && mkdir -p data/import && cp "$(CURDIR)/manifests/backends/keycloak/realm.json" data/import/ \
	  && bash bin/kc.sh build --db=dev-mem --cache=local >build.log 2>&1 || { cat build.log; exit 1; }
	@cp manifests/backends/keycloak/start $@

# A minute or two of compiling, once.
build/backends/helm/helm: manifests/backends/helm/go.mod manifests/backends/helm/go.sum
	@echo "building  Helm $$(sed -n 's#.*helm.sh/helm/v3 \(v[0-9.]*\).*#\1#p' $<)"
	@cd manifests/backends/helm && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -v -o "$(CURDIR)/$@" helm.sh/helm/v3/cmd/helm \
	  2>&1 | awk '/^[a-z0-9.-]+\/|^[a-z]+$$/ { if (++n % 200 == 0) printf "          %d packages\n", n; fflush(); next } { print }'
	@touch $@

# Holds the API to its document.
build/backends/schemathesis/bin/schemathesis: manifests/backends/schemathesis/requirements.txt | need-python
	@echo "fetching  schemathesis (27 packages, once)"
	@rm -rf build/backends/schemathesis && python3 -m venv build/backends/schemathesis
	@build/backends/schemathesis/bin/pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

console-dist: console/dist/index.html
console/node_modules/.package-lock.json: console/package-lock.json | need-node
	@echo "fetching  the console's packages"
	@cd console && npm ci --no-audit --no-fund --loglevel=error
	@touch $@
console/dist/index.html: console/node_modules/.package-lock.json $(shell find console/src console/index.html console/vite.config.ts console/public sdk/fragment/fragment.ts -type f 2>/dev/null)
	@echo "building  the console"
	@cd console && npm run --silent build
	@touch $@

clean: stop ## remove everything that was built
	rm -rf build console/dist console/node_modules $(HOSTILE)/node_modules $(BUILTIN)

## ---- testing

.PHONY: test test-fast test-long test-unit test-integration test-e2e test-cluster
test: build need-browser ## every test: unit, a real cluster, a real browser
	@$(MAKE) test-unit test-console
	@$(MAKE) test-integration
	@$(MAKE) test-e2e
	@$(MAKE) test-cluster
	@echo; echo "all tests passed on: $$(cat build/test-node 2>/dev/null || echo 'no cluster')"

test-fast: tools $(BUILTIN) build/hostile need-slapd ## what takes under two minutes: for daily use
	@go vet ./...
	@go test -short -json ./... | $(REPORT)
	@for m in sdk/go sdk/fragment $(SHIPPED:%=extensions/%); do (cd $$m && go test -short -json ./... | $(REPORT)); done

test-unit: tools $(BUILTIN) build/hostile | need-slapd
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "gofmt is wanted for:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	@go vet ./...
	@go test -json -timeout 30m ./... | $(REPORT)
	@for m in $(GO_MODULES); do echo "== $$m"; (cd $$m && go vet ./... && go test -json $$(go list ./... | grep -v /integration) | $(REPORT)); done

.PHONY: test-console
test-console: console/dist/index.html
	@cd console && npm test --silent

# Both run against the same Atoll and cluster, which stay up between them.
test-integration: build $(BACKENDS)
	@$(RUN) start
	@.ci/with-atoll go test -json -count=1 -tags integration -timeout 20m -run Integration $$(grep -rl --include=*_test.go 'go:build integration' core | xargs -n1 dirname | sort -u | sed 's#^#./#') | $(REPORT)

test-e2e: build need-browser build/extensions/hello.tar build/extensions/hostile.tar
	@$(RUN) start
	@.ci/with-atoll npm --prefix console run --silent e2e

# The local cluster alone: crashes, repair, simulated nodes, and that `down` leaves nothing.
test-cluster: tools
	@$(RUN) stop
	@cd manifests/local && go test -json -count=1 -timeout 20m ./integration -args -dir "$(CURDIR)/build/cluster" | $(REPORT)

test-long: test ## hours: fuzzing and the local cluster's own tests
	@.ci/fuzz 10m FuzzDecode=15m FuzzFields=5m FuzzHostReceive=20m FuzzGuestReceive=20m FuzzRewrite=20m FuzzModule=20m

.PHONY: bench
bench: build ## measure; writes build/bench.json
	@$(RUN) start
	@go run ./manifests/bench -out build/bench.json

## ---- what the machine must have

.PHONY: need-go need-node need-browser need-java need-python need-rust need-slapd
need-go:
	@command -v go >/dev/null || { echo "Go 1.26 or newer is missing: see go.dev"; exit 1; }
need-node:
	@command -v npm >/dev/null || { echo "Node 20 or newer with npm is missing: see nodejs.org"; exit 1; }
need-browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { echo "installing Debian's chromium"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } \
	  || { echo "Chromium is missing: install your system's package named chromium"; exit 1; }; }
# OpenLDAP's server, for the tests of directories; they start it themselves.
need-slapd:
	@[ -x /usr/sbin/slapd ] || command -v slapd >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { echo "installing Debian's slapd"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends slapd >/dev/null; } \
	  || { echo "OpenLDAP's slapd is missing: install your system's package named slapd"; exit 1; }; }
# Java 17 or newer, and Maven; installed where both this is Debian and we are root.
need-java:
	@{ command -v mvn && javac -version 2>&1 | grep -E 'javac (1[7-9]|[2-9][0-9])'; } >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { echo "installing Debian's maven and openjdk-17-jdk-headless"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends maven openjdk-17-jdk-headless >/dev/null; } \
	  || { echo "Maven and a JDK 17 or newer are missing: install your system's packages named maven and openjdk-17-jdk-headless"; exit 1; }; }
# Python 3.11 or newer with venv, which Debian packs by itself.
need-python:
	@python3 -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { echo "installing Debian's python3-venv"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null; } \
	  || { echo "Python 3.11 or newer with its venv module is missing: install your system's package named python3-venv"; exit 1; }; }
# A rustc that makes WebAssembly. Debian's stands beside one of rustup's that does not.
need-rust:
	@{ for rustc in rustc /usr/bin/rustc; do [ ! -d "$$($$rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null)" ] || exit 0; done; false; } || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	  && { echo "installing Debian's rustc and libstd-rust-dev-wasm32"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends rustc libstd-rust-dev-wasm32 lld >/dev/null; } \
	  || { echo "A Rust that makes WebAssembly is missing: rustup target add wasm32-unknown-unknown"; exit 1; }; }
