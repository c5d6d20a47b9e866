# `make` alone lists the targets. Everything they need is installed on first use: git, make and Node >= 20 are enough, but
# for the last six, which need Helm 3 and a cluster.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.PHONY: help run test build executable lint soak bench format clean generate_values template install upgrade uninstall list

INSTALLED := node_modules/.installed

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(INSTALLED) ## Play the story: a node gets sick and is given back (KEEP=1 stays up)
	@npm run --silent story -- $(if $(KEEP),--keep)

test: $(INSTALLED) ## Type-check, lint, build, and run every test
	npm run --silent check

build: $(INSTALLED) ## Make dist/agent.mjs
	npm run --silent build

executable: $(INSTALLED) ## Make dist/nsc, which needs no Node
	npm run --silent build && npm run --silent build:executable

bench: $(INSTALLED) ## Measure beside peers, or another bundle (BASE=OTHER.mjs)
	$(if $(BASE),npm run --silent build && node_modules/.bin/node bench/builds.ts "$(BASE)",npm run --silent bench)

soak: $(INSTALLED) ## Run what `make test` leaves out: on Deno, the executable, at length (an hour)
	npm run --silent soak

lint: $(INSTALLED) ## Type-check and lint
	npm run --silent typecheck && npm run --silent lint

format: $(INSTALLED) ## Format the code
	npm run --silent format

clean: ## Remove what was built and installed
	rm -rf dist node_modules agent/core/generated agent/policy/generated

$(INSTALLED): package.json package-lock.json
	npm ci --no-audit --no-fund
	@touch $@

# A cluster, with the Helm chart: NAMESPACE, KUBECONFIG and KUBE_CONTEXT say which one and where.
NAMESPACE ?= node-svc-checker
CHART := deploy/helm/node-svc-checker
CHART_VERSION := $(shell awk '/^version:/ { gsub(/\./, "-", $$2); print $$2 }' $(CHART)/Chart.yaml)
RELEASE := node-svc-checker-$(CHART_VERSION)
VALUES := values_$(CHART_VERSION).yaml
# A list of files only the environment takes.
KUBECONFIG_FLAG = $(if $(KUBECONFIG),$(if $(findstring :,$(KUBECONFIG)),,--kubeconfig "$(KUBECONFIG)"))
CLUSTER = --namespace "$(NAMESPACE)" $(KUBECONFIG_FLAG) $(if $(KUBE_CONTEXT),--kube-context "$(KUBE_CONTEXT)")

refuse = { echo 'make $@: $(1)' >&2; exit 1; }
needs_helm = @command -v helm > /dev/null || $(call refuse,no helm on PATH: install Helm 3 as https://helm.sh/docs/intro/install says)
needs_values = @test -f $(VALUES) || $(call refuse,$(VALUES) is not there: run `make generate_values` and edit it)
needs_cluster = @found=$$(helm list $(CLUSTER) 2>&1 > /dev/null) || \
	$(call refuse,no cluster answers: set KUBECONFIG and KUBE_CONTEXT ('"$$(tail -n 1 <<< "$$found")"'))

generate_values: ## Write values_VERSION.yaml, the chart's values to edit, for the next three
	@test ! -e $(VALUES) || $(call refuse,$(VALUES) is there already: edit it or move it away)
	cp $(CHART)/values.yaml $(VALUES)

template: ## Print what would be installed (NAMESPACE=node-svc-checker)
	$(needs_helm)
	$(needs_values)
	@echo 'helm template $(RELEASE) $(CHART) --namespace "$(NAMESPACE)" --values $(VALUES)' >&2
	@helm template $(RELEASE) $(CHART) --namespace "$(NAMESPACE)" --values $(VALUES)

install: ## Install it (NAMESPACE, KUBECONFIG, KUBE_CONTEXT)
	$(needs_helm)
	$(needs_values)
	$(needs_cluster)
	helm install $(RELEASE) $(CHART) $(CLUSTER) --create-namespace --values $(VALUES)

upgrade: ## Bring what is installed to the values as they are now
	$(needs_helm)
	$(needs_values)
	$(needs_cluster)
	helm upgrade $(RELEASE) $(CHART) $(CLUSTER) --values $(VALUES)

uninstall: ## Give back every node, and leave nothing behind
	$(needs_helm)
	$(needs_cluster)
	helm uninstall $(RELEASE) $(CLUSTER)

list: ## List what is installed in NAMESPACE
	$(needs_helm)
	$(needs_cluster)
	helm list $(CLUSTER) --filter '^node-svc-checker-'
