# Every target says what it does; `make help` lists them. Nothing is installed silently: each step is announced.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export GOFLAGS ?= -buildvcs=false
GO := go
BIN := bin/ramal
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist/*' -not -path 'web/e2e/out/*' 2>/dev/null)
step = @printf '\n== %s\n' "$(1)"

.PHONY: help
help: ## List the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build ## Build everything and start `ramal dev`: database, simulator, engine and a demo company
	@exec $(BIN) dev $(ARGS)

.PHONY: build
build: $(BIN) ## Build the web pages and the binary

$(BIN): web/dist/index.html $(shell find . -name '*.go' -not -path './web/node_modules/*') go.mod go.sum $(shell find store/migrations internal/app -name '*.sql' -o -name '*.yaml')
	$(call step,building $(BIN))
	$(GO) build -o $(BIN) ./cmd/ramal

.PHONY: web
web: web/dist/index.html ## Build the console and the customer's phone page

web/dist/index.html: web/node_modules/.ramal $(WEB_SOURCES)
	$(call step,building the web pages)
	cd web && npm run --silent build
	@touch $@

web/node_modules/.ramal: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20.19 or newer"; exit 1; }
	$(call step,installing the web pages' packages)
	cd web && npm ci --no-audit --no-fund
	@touch $@

.PHONY: unit
unit: ## Fast tests, offline: cores, parsers, shells without a database
	$(GO) test -short ./...

.PHONY: test
test: deps-test build ## Every test: real PostgreSQL, real WebRTC, real browser; installs and starts what it needs
	$(call step,1/4 Go tests)
	$(GO) test -timeout 20m ./...
	$(call step,2/4 web unit tests)
	cd web && npm run --silent test
	$(call step,3/4 pages in a browser)
	cd web && npm run --silent test:browser
	$(call step,4/4 whole system in a browser)
	cd web && npm run --silent test:e2e
	@printf '\nall tests passed\n'

.PHONY: deps-test
deps-test: web/node_modules/.ramal ## Install what the tests need: a browser, where there is none
	@if ! command -v chromium >/dev/null; then \
	  echo "== installing chromium (Debian package) for the browser tests"; \
	  SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); $$SUDO apt-get update -qq && $$SUDO apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	fi

.PHONY: check
check: web/dist/index.html ## Format, vet, lint, import table, package docs, generated code, web checks, race detector
	$(call step,format)
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt -w"; exit 1; }
	$(call step,vet)
	$(GO) vet ./...
	$(call step,lint)
	$(GO) tool -modfile=tools/lint/go.mod golangci-lint run ./...
	$(call step,architecture)
	$(GO) test ./internal/archtest
	$(call step,generated code is current)
	@tools/generated.sh
	$(call step,web: types, lint, size)
	cd web && npm run --silent typecheck && npm run --silent lint && npm run --silent size
	$(call step,race detector)
	$(GO) test -race -short ./actors/... ./cluster/... ./gateway/... ./media/... ./channels/... ./internal/...

.PHONY: generate
generate: ## Make generated code anew (needs protoc)
	$(GO) generate ./cluster/wire

.PHONY: fuzz
fuzz: ## Run each fuzzer for FUZZTIME (default 30s)
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $${FUZZTIME:-30s} $$pkg; done; done

.PHONY: bench
bench: build ## Measure 200 calls through the public doors of an engine started for it
	$(BIN) bench calls --start --calls 200 --rate 5 --talk 8s --json benchmarks/results/calls.json

.PHONY: clean
clean: ## Remove what was built; data of `ramal dev` stay
	rm -rf bin web/dist/* sim/phone/dist/* web/node_modules
