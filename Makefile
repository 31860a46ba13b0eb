# Copyright: (c) 2026, the fleetsec.guardduty authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The first interpreter that runs: a pyenv shim of an inactive version exists and exits 127.
PYTHON = $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 /usr/bin/python3; do \
	"$$p" -I -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && { echo "$$p"; break; }; done)
SETUP = $(or $(PYTHON),$(error This needs Python 3.11 to 3.14 as python3; on Debian: apt-get install python3 python3-venv)) \
	-I tests/setup/environment.py
# What to hand to pytest: make test ARGS="-k tags"
ARGS =

.PHONY: help setup demo test test-all bench eda hosts ci clean lint lint-python lint-yaml lint-ansible lint-licences lint-changelog lint-docs
.DEFAULT_GOAL := help

help: ## Show this
	@sed -n 's/^\([a-z-]*\):.* ## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## Install everything into .venv (the other targets do it themselves)
	@$(SETUP) setup

demo: ## Show the collection at work on an emulated AWS on this machine
	@test -f tests/demo/run.py || { echo "The demo is not in this checkout yet (tests/demo/run.py)."; exit 1; }
	@$(SETUP) run python tests/demo/run.py $(ARGS)

test: ## Run the tests of the collection (no AWS account needed, none touched)
	@test -n "$(ARGS)" || $(MAKE) --no-print-directory hosts ARGS=programs
	@$(SETUP) test $(ARGS)

test-all: ## Run these, then eda and hosts
	@$(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory eda hosts

eda: ## Run the rulebooks with ansible-rulebook on the emulated AWS (needs Java 17, Python 3.12)
	@$(SETUP) --env eda test tests/eda $(ARGS)

hosts: ## Run the role's scenarios on real Linux hosts (root; installs podman on Debian)
	@$(SETUP) --env hosts run python tests/hosts/run.py $(ARGS)

bench: ## Measure the collection beside amazon.aws on a synthetic AWS (25 minutes; ARGS="--quick": 3)
	@$(SETUP) --env newest run python tests/bench/run.py $(ARGS)

lint: lint-python lint-yaml lint-ansible lint-licences lint-changelog lint-docs ## Check style, types, docs and licences

lint-python:
	@$(SETUP) run ruff check
	@$(SETUP) run ruff format --check
	@$(SETUP) --env lint run mypy

lint-yaml:
	@$(SETUP) --env lint run yamllint --strict .

lint-ansible:
	@$(SETUP) --env lint run ansible-lint

lint-licences:
	@$(SETUP) --env lint run reuse lint --lines

lint-changelog:
	@$(SETUP) --env lint run antsibull-changelog lint

# It copies amazon.aws out of .cache/lint by git ls-files when git claims that folder, and gets nothing
lint-docs:
	@GIT_CEILING_DIRECTORIES="$(CURDIR)" $(SETUP) --env lint run antsibull-docs lint-collection-docs --plugin-docs .

ci: ## Run what the project's CI runs: every ansible-core, sanity, docs, builds
	@bash .ci/run

clean: ## Remove everything that the other targets made
	rm -rf .venv .cache .ansible .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist tests/output fleetsec-guardduty-*.tar.gz
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
