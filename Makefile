# Everything a contributor or operator does, by name. A fresh machine needs Python 3.11+ and make, nothing else.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
UV := .bootstrap/bin/uv
RUN := .venv/bin/python

# An interpreter comes from the machine, never from a download.
export UV_PYTHON_DOWNLOADS := never
# Another project's environment is none of ours.
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME
# Whatever we start loads Prefect, which takes twice as long where its bytecode is not at hand.
unexport PYTHONDONTWRITEBYTECODE

# The whole suite waits more than it computes: three files at a time, each with servers of its own.
SIDE_BY_SIDE := -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 16

.PHONY: demo
demo: .venv/.synced ## Run the main job on the embedded stack with invented people (STAY=1: stay up until Ctrl-C)
	@STAY=$(STAY) $(RUN) -m deployments.local.demo

.PHONY: serve
serve: .venv/.synced ## Serve Prefect's UI, a worker and the deployments on the embedded stack, until Ctrl-C
	@$(RUN) -m deployments.local.serve

.PHONY: test
test: .venv/.synced ## Run the tests; TESTS=path or ARGS=options narrow them
	@$(RUN) -m pytest $(if $(TESTS)$(ARGS),,$(SIDE_BY_SIDE)) $(ARGS) $(TESTS)

.PHONY: coverage
coverage: .venv/.synced ## Run the tests and report which lines and branches they reach; takes a third longer
	@$(RUN) -m pytest --cov --cov-report=term:skip-covered $(if $(TESTS)$(ARGS),,$(SIDE_BY_SIDE)) $(ARGS) $(TESTS)

.PHONY: test-long
test-long: .venv/.synced ## Run the tests marked long at their full size, and only these; TESTS and ARGS narrow them
	@$(RUN) -m pytest --long $(ARGS) $(TESTS)

.PHONY: test-roles
test-roles: .venv/.synced ## Run the integration tests with no rights in the database but those of sql/roles.sql
	@$(RUN) -m pytest --least-privilege tests/integration --ignore=tests/integration/local $(SIDE_BY_SIDE) $(ARGS)

.PHONY: test-stripe
test-stripe: .venv/.synced ## Run the life of a link against Stripe's test mode: STRIPE_TEST_KEY=sk_test_… make test-stripe; STRIPE_BY_HAND=1 ARGS="-s --log-cli-level=INFO" with you as the payer
	@if [ -z "$$STRIPE_TEST_KEY" ]; then echo "Not run: set STRIPE_TEST_KEY=sk_test_… to run it against Stripe's test mode"; \
	else STRIPE_SUITE=1 $(RUN) -m pytest tests/integration/links/test_stripe_account.py $(ARGS); fi

.PHONY: simulate
simulate: .venv/.synced ## Compare the ways to mail a link, by simulated parents; ARGS="--seed 7 --parents 50" for others
	@$(RUN) -m tests.bench.simulation $(ARGS)

.PHONY: bench
bench: .venv/.synced ## Measure how fast it is, beside others (two hours; needs Debian's postfix); ARGS="delivery links" for parts, ARGS="--most 10000" for half an hour
	@$(RUN) -m tests.bench $(ARGS)

.PHONY: mutants
mutants: .venv/.synced ## Put a bug in each guard of links and approvals and see that the tests find it; ARGS=words narrow them
	@$(RUN) -m tests.chaos.mutants $(ARGS)

.PHONY: test-system
test-system: .venv/.synced ## Run what needs other programs: PostgreSQL 15, Postfix, Chromium, axe-core, SpamAssassin (as root: installs them)
	@tests/system/install
	@$(RUN) -m pytest tests/system -n 2 --dist loadfile $(ARGS)

.PHONY: screenshots
screenshots: .venv/.synced ## Take pictures of the Prefect UI and of every email (.local/emails), the README's among them
	@$(RUN) -m deployments.emails.pictures
	@$(RUN) -m deployments.local.screenshots

.PHONY: check
check: .venv/.synced ## Lint, check types and architecture
	@set -e; for step in \
	  "ruff format --check flows tasks deployments tests sql" \
	  "ruff check flows tasks deployments tests sql" \
	  "mypy" \
	  "lint-imports --no-logo" \
	  "djlint --lint --quiet templates deployments" \
	  "python -m deployments.emails.lint" \
	  "sqlfluff lint --disable-progress-bar sql" \
	  "hadolint deployments/Dockerfile" \
	  "yamllint --strict deployments" \
	  "check-jsonschema --quiet --builtin-schema vendor.compose-spec deployments/compose.yaml" ; \
	do echo "== $${step%% *}"; .venv/bin/$$step; done

.PHONY: translations
translations: .venv/.synced ## Take new sentences of the templates into templates/locale; LANGUAGE=fr begins another language
	@$(RUN) -m deployments.emails.translations $(LANGUAGE)

.PHONY: format
format: .venv/.synced ## Format Python and SQL
	@$(RUN) -m ruff format flows tasks deployments tests sql
	@$(RUN) -m ruff check --fix flows tasks deployments tests sql
	@$(RUN) -m sqlfluff fix --disable-progress-bar sql

.PHONY: clean
clean: ## Remove what the commands have made: environments, caches, the embedded stack's data
	rm -rf .venv .bootstrap .local .coverage .hypothesis .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf "/var/cache/tournament-fees$(CURDIR)/.venv"  # under root, PostgreSQL's programs

$(UV):
	@echo "Installing uv into .bootstrap"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv .bootstrap
	@.bootstrap/bin/python -m pip install --quiet --disable-pip-version-check 'uv==0.13.9'

.venv/.synced: pyproject.toml uv.lock | $(UV)
	@echo "Installing the locked dependencies into .venv"
	@$(UV) sync --frozen --compile-bytecode --python $(PYTHON)
	@touch $@
