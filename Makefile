# `make` alone lists the targets. Everything they need is installed on first use: git, make and Node >= 20 are enough.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help run test build lint bench format clean

INSTALLED := node_modules/.installed

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Play the story: a node gets sick, is cordoned and given back (KEEP=1 stays up)
	@npm run --silent story -- $(if $(KEEP),--keep)

test: $(INSTALLED) ## Type-check, lint, build, and run every test
	npm run --silent check

build: $(INSTALLED) ## Make dist/agent.mjs
	npm run --silent build

bench: $(INSTALLED) ## Measure what an agent costs, beside its peers (minutes; needs KUBEBUILDER_ASSETS)
	npm run --silent bench

lint: $(INSTALLED) ## Type-check and lint
	npm run --silent typecheck && npm run --silent lint

format: $(INSTALLED) ## Format the code
	npm run --silent format

clean: ## Remove what was built and installed
	rm -rf dist node_modules agent/core/generated agent/policy/generated

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@
