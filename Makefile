# What is checked here and how: `make help`.
GO ?= go

.PHONY: help servers test mutants short vet lint quickstart fuzz ci
.DEFAULT_GOAL := help

help: ## Print this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

servers: ## Install the database servers that tests start, on Debian as root; elsewhere say what to install.
	@.ci/install-servers

# Tests that take one step after the other: the race detector finds nothing there, and makes them slow.
STEPWISE := ./internal/failure ./internal/simulate ./examples/customstore
# Checks of stores beside the reference, where a store is tested in more than one way or is slow under it.
MODELS   := '^Test(Store|SQL|File)$$/^Model$$|^TestCart$$//^Model$$'

test: servers ## Run every test of every package, with the race detector. Needs a C compiler; see servers.
	$(GO) test -race -timeout 20m -skip $(MODELS) $$($(GO) list ./... | grep -vxF "$$($(GO) list $(STEPWISE))")
	$(GO) test -timeout 20m -run $(MODELS) ./storage/...
	$(GO) test -timeout 20m $(STEPWISE)

mutants: servers ## Switch rules of the code off, one by one: the test that is there for each must fail.
	GOEN_MUTANTS=1 $(GO) test -timeout 60m -p 1 -run 'Mutants' ./internal/... ./storage/...

short: ## Run the quick tests only: no killed processes.
	$(GO) test -short ./...

vet: ## Check formatting and vet every package.
	@test -z "$$(gofmt -l .)" || { echo "not gofmt'ed:"; gofmt -l .; exit 1; }
	$(GO) vet ./...

lint: ## Run golangci-lint as .golangci.yaml says. Needs golangci-lint v2.
	golangci-lint run ./...

quickstart: ## Replay a real shop's year and watch the mails go out.
	$(GO) run ./examples/quickstart

fuzz: ## Fuzz each target for ten seconds.
	@for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz'); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime 10s $$package || exit 1; \
		done; \
	done

ci: ## Run what continuous integration runs.
	.ci/run
