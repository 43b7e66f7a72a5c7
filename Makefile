# `make help` lists the targets. `make test` needs Go and, for the race detector
# and the GPU view, gcc; `make e2e` needs Debian 12, root and a Docker Engine.

# The programs that this needs beside Go are built once, through the module
# proxy, into .cache/.
TOOLS         := $(CURDIR)/.cache/bin
GOLANGCI_LINT := $(TOOLS)/golangci-lint-v2.15.0
GOTESTSUM     := $(TOOLS)/gotestsum-v1.13.0

# What runs the tests; .ci/run puts in one that counts them.
GO_TEST ?= go test

# Packages with tests on a real engine.
E2E ?= ./e2e/... ./dockerctl/...

# go-nvml's bindings name what the driver has deprecated.
export CGO_CFLAGS := -Wno-deprecated-declarations

# Without a C compiler there is neither a race detector nor a GPU view.
CC_FOUND := $(shell command -v $$(go env CC))
RACE     := $(if $(CC_FOUND),-race)
ifeq ($(CC_FOUND),)
export CGO_ENABLED := 0
endif

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/clawgate
	go build -trimpath -o bin/clawgate ./cmd/clawgate

.PHONY: test
test: ## Run every test that needs no Docker, under the race detector
	$(GO_TEST) $(RACE) -timeout 17m ./...
	@echo "left out: most of the faults, decoys, schedules and odd worlds under virtual time: make scenarios"
	@echo "left out: tests on a real Ollama, Docker Engine, HAProxy, Caddy, nginx and Compose, and with the usual clients; they need root on Debian 12: make e2e"
	@echo "left out: tests on a real GPU unless CLAWGATE_TEST_REAL_NVML is set; they need an NVIDIA driver"
	@echo "left out: measurements; they need a quiet machine: make bench"
	@$(if $(CC_FOUND),true,echo "left out: the race detector and the GPU view's tests; they need a C compiler: apt-get install gcc libc6-dev")

.PHONY: e2e
e2e: e2e-stands e2e-floods ## Run the tests on real parts (the first time takes minutes to make them)

.PHONY: e2e-stands
e2e-stands: e2e-prepare
	$(GO_TEST) -tags e2e -race -p 2 -parallel 3 -count 1 -timeout 20m $(filter-out %/e2e/crowd,$(shell go list -tags e2e $(E2E)))

# By themselves: they use all cores. Without the race detector, with which they
# would be slower than what they flood.
.PHONY: e2e-floods
e2e-floods: e2e-prepare
	$(GO_TEST) -tags e2e -count 1 -timeout 5m ./e2e/crowd

.PHONY: e2e-prepare
e2e-prepare:
	@.ci/packages debootstrap haproxy docker-compose g++ chromium nginx caddy
	go run -tags e2e ./e2e/parts/cmd/prepare
	docker build -q -t clawgate:latest .

.PHONY: e2e-clean
e2e-clean: ## Remove what end-to-end tests left behind, and the images made for them
	docker ps -aq --filter name=^clawgate-test- | xargs -r docker rm -f -v
	docker network ls -q --filter name=^clawgate-test- | xargs -r docker network rm
	docker volume ls -q --filter name=^clawgate-test- | xargs -r docker volume rm
	docker images -q --filter label=clawgate-stand-in | sort -u | xargs -r docker rmi -f

.PHONY: bench
bench: ## Measure the relay against a direct connection and other proxies
	go run ./bench

.PHONY: scenarios
scenarios: ## Play every fault, decoy, schedule and odd world in full, without the race detector
	$(GO_TEST) -count 1 -run '^Test(Faults|Decoys|Schedules|Paces|Document)' ./sidecar/

.PHONY: faults
faults: ## Make the table in docs/faults.md anew, and print it
	CLAWGATE_WRITE_FAULTS=1 go test -count 1 -run '^TestFaults$$' ./sidecar/
	@sed -n '/^<!-- the table/,/^<!-- the end of the table/p' docs/faults.md

.PHONY: lint
lint: $(GOLANGCI_LINT) ## Run go vet and the pinned linter
	go vet -tags e2e ./...
	$(GOLANGCI_LINT) run

.PHONY: fmt
fmt: ## Format the code
	gofmt -w $$(git ls-files -co --exclude-standard '*.go')

.PHONY: fmt-check
fmt-check:
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	 if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi

.PHONY: demo
demo: ## Run Clawgate against a simulated Ollama: no Docker, no GPU, no model
	CGO_ENABLED=0 go run ./cmd/clawgate demo

# docker-compose 1.29 where Compose v2 is not installed.
COMPOSE = $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

.PHONY: image
image: ## Build the image
	docker build --build-arg REVISION=$$(git rev-parse HEAD) -t clawgate:latest .

.PHONY: up
up: image ## Start Ollama, the guard and the sidecar with Compose
	$(COMPOSE) up -d

.PHONY: down
down: ## Stop them; volumes stay
	$(COMPOSE) down

.PHONY: ci
ci: ## Run everything that continuous integration runs
	.ci/run

.PHONY: ci-tools
ci-tools: $(GOLANGCI_LINT) $(GOTESTSUM) ## Build the pinned linter and test counter

$(GOLANGCI_LINT):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0,golangci-lint)

$(GOTESTSUM):
	$(call install,gotest.tools/gotestsum@v1.13.0,gotestsum)

# Builds program $(2) of module $(1) outside this module, without its flags.
define install
	@mkdir -p $(TOOLS)
	cd $(TOOLS) && GOFLAGS= CGO_ENABLED=0 GOBIN=$(TOOLS) go install $(1)
	@mv $(TOOLS)/$(2) $@
endef
