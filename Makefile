# The commands of the project. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := $(CURDIR)/.bin
GOLANGCI ?= $(BIN)/golangci-lint
PREFIX := github.com/go-mandate/mandate
MODULES = $(shell go list -m -f '{{.Dir}}')
# Modules that are programs of this repository: nobody requires them, so they get no tag.
UNTAGGED := conformance/provider examples
# The release at which modules require their siblings.
SIBLINGS = $(shell git grep -hoE '$(PREFIX)/[a-z0-9/]+ v[0-9]+\.[0-9]+\.[0-9]+( |$$)' -- '*go.mod' | head -n 1 | cut -d' ' -f2)
FUZZTIME ?= 20s
COUNT ?= 6

# each runs a command in the folder of every module, and fails at the end if one failed.
define each
code=0; for m in $(MODULES); do echo "-- $${m#$(CURDIR)/}"; (cd "$$m" && $(1)) || code=1; done; exit $$code
endef

.PHONY: help
help: ## List the commands.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: test
test: ## Run all tests.
	go test work

.PHONY: race
race: ## Run all tests under the race detector.
	go test -race work

.PHONY: isolated
isolated: ## Run the tests of every module by itself, without go.work, as a user's build sees it.
	@$(call each,GOWORK=off go test ./...)

.PHONY: lint
lint: $(GOLANGCI) ## Run the linter on every module.
	$(GOLANGCI) run $(addsuffix /...,$(MODULES))
	cd tools && GOWORK=off $(GOLANGCI) run ./...

.PHONY: fix
fix: $(GOLANGCI) ## Apply what go fix, the formatters and the linter can repair.
	go fix work
	$(GOLANGCI) fmt
	$(GOLANGCI) run --fix $(addsuffix /...,$(MODULES))

.PHONY: tidy
tidy: ## Tidy every go.mod, with the siblings at their release.
	@$(call each,GOWORK=off go mod tidy && if grep -q ' v0\.0\.0-0001' go.mod; then \
		sed -i -E 's#^(require |\t)($(PREFIX)/[^ ]+) v0\.0\.0-0001[^ ]*#\1\2 $(or $(VERSION),$(SIBLINGS),v0.1.0)#' go.mod && GOWORK=off go mod tidy; fi)

.PHONY: tidy-check
tidy-check: ## Refuse a go.mod that is not tidy, or whose siblings are not at one release.
	@$(call each,GOWORK=off go mod tidy -diff)
	@$(MAKE) check

.PHONY: cover
cover: ## Measure what the tests cover, across modules.
	mkdir -p $(BIN)
	go test -coverpkg=work -coverprofile=$(BIN)/cover.txt work
	go tool cover -func=$(BIN)/cover.txt | tail -n 1

.PHONY: bench
bench: ## Measure what is promised about speed, beside the peers, and print one table.
	@GOWORK=off go run -C bench ./table

.PHONY: bench-stores
bench-stores: ## Measure redemptions in databases, which it starts, beside the same written by hand.
	@started=$$(MANDATE_DURABLE=$(or $(DURABLE),1) .ci/databases/start postgres mariadb redis); eval "$$started"; trap '.ci/databases/stop "$$MANDATE_DATABASES"' EXIT; \
		GOWORK=off go run -C bench ./table -only stores

.PHONY: benchmarks
benchmarks: ## Run the benchmarks into .bin/bench.txt; OLD=file compares with an earlier run.
	mkdir -p $(BIN)
	go test -run='^$$' -bench=. -benchmem -count=$(COUNT) work | tee $(BIN)/bench.txt
	@if [ -n "$(OLD)" ]; then $(MAKE) tools && $(BIN)/benchstat $(OLD) $(BIN)/bench.txt; fi

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (20s).
	@git grep -oE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | while IFS=: read -r file f; do \
		echo "-- $$file $${f#func }"; \
		(cd "$$(dirname "$$file")" && go test -run='^$$' -fuzz="^$${f#func }\$$" -fuzztime=$(FUZZTIME) .); \
	done

.PHONY: goldens
goldens: ## Rewrite the golden files in testdata; review the difference as code.
	GOLDEN=write go test -count=1 work
	git status --short

.PHONY: check
check: ## Check the tree for what compiler and linter do not see.
	@GOWORK=off go run -C tools ./check -C ..

.PHONY: tools
tools: ## Build the linter and benchstat into .bin.
	GOWORK=off go build -C tools -o $(BIN)/ tool

$(BIN)/golangci-lint: tools/go.mod
	GOWORK=off go build -C tools -o $(BIN)/ tool
	@touch $@

.PHONY: ci
ci: ## Run everything that must hold before a merge.
	bash .ci/run

.PHONY: release
release: ## Prepare a release: make release VERSION=v0.2.0. See RELEASE.md.
	@[[ "$(VERSION)" =~ ^v[0-9]+\.[0-9]+\.[0-9]+$$ ]] || { echo "VERSION=v1.2.3 is needed, got '$(VERSION)'"; exit 1; }
	@grep -q '^## \[$(VERSION:v%=%)\]' CHANGELOG.md || { echo "CHANGELOG.md has no section [$(VERSION:v%=%)]"; exit 1; }
	@for m in $(MODULES); do sed -i -E 's#^(require |\t)($(PREFIX)/[^ ]+) v[^ ]+#\1\2 $(VERSION)#' "$$m/go.mod"; done
	@$(MAKE) tidy VERSION=$(VERSION)
	@$(MAKE) check
	@git diff --stat -- '*go.mod' '*go.sum'

.PHONY: tags
tags: ## Tag every published module at this commit: make tags VERSION=v0.2.0.
	@[[ "$(VERSION)" =~ ^v[0-9]+\.[0-9]+\.[0-9]+$$ ]] || { echo "VERSION=v1.2.3 is needed, got '$(VERSION)'"; exit 1; }
	@[ -z "$$(git status --porcelain)" ] || { echo "the tree has changes that are not committed"; exit 1; }
	@for m in $(MODULES); do m="$${m#$(CURDIR)/}"; \
		case " $(UNTAGGED) " in *" $$m "*) continue ;; esac; \
		git tag -a "$$m/$(VERSION)" -m "$$m $(VERSION)"; echo "$$m/$(VERSION)"; done
