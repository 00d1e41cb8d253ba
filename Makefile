# Wirefuse. `make demo` and `make test` need Python 3.11 or later, make and the package indexes; nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
STAMP_DEV := $(VENV)/.installed-dev

.PHONY: help demo postgresql prometheus test check unit broker-test chaos soak disk-full alerts-live rights image-test \
	bench model dashboards pictures audit sbom lock clean

help:  ## Show what there is to make.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: $(STAMP)  ## Run the whole chain on the demo wire, real Kafka included, and show the incidents.
	@$(BIN)/wirefuse demo

test: check postgresql prometheus  ## Check and run every test, on a real Kafka, PostgreSQL and Prometheus.
	$(BIN)/pytest -n 2 --dist loadfile

check: $(STAMP_DEV)  ## Lint, format and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The tests start a server of their own, as an unprivileged user in a temporary folder; they need its programs only.
postgresql:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || deploy/install-postgresql.sh

prometheus:
	@{ command -v prometheus && command -v promtool; } >/dev/null 2>&1 || deploy/install-prometheus.sh

unit: $(STAMP_DEV)  ## Only the tests that need no broker.
	$(BIN)/pytest -m "not broker"

broker-test: $(STAMP_DEV)  ## Only the tests on the real broker.
	$(BIN)/pytest -m broker

chaos: $(STAMP_DEV)  ## The long kill test: WIRE=articles.jsonl KILLS=50 make chaos
	$(BIN)/python tests/chaos.py --kills $(or $(KILLS),50) $(WIRE)

soak: $(STAMP_DEV)  ## Half an hour of restarts, an outage of Kafka and broken input: MINUTES=30 make soak
	$(BIN)/python tests/soak.py --minutes $(or $(MINUTES),30) $(WIRE)

disk-full: $(STAMP_DEV)  ## Fill the disk under everything while a wire flows (Linux, user namespaces; five minutes).
	$(BIN)/python tests/disk_full.py

alerts-live: $(STAMP_DEV) prometheus postgresql  ## Break a live chain in twelve ways and look which alerts fire (20 minutes).
	$(BIN)/python tests/alerts_live.py

rights: $(STAMP_DEV)  ## The long proofs of logins and rights: each right taken away in turn.
	$(BIN)/pytest tests/broker/least_rights.py

image-test: $(STAMP_DEV) postgresql  ## Build the image for real and run the services of compose.yaml from it (root, Debian).
	@{ command -v buildah && command -v debootstrap && command -v runc && command -v openssl; } >/dev/null 2>&1 || \
		deploy/install-buildah.sh
	$(BIN)/python tests/image.py

bench: $(STAMP_DEV)  ## The whole chain against the limit of its NER: DATA=wires make bench (the parts: benchmarks/)
	$(BIN)/python benchmarks/end_to_end.py $(DATA)

# One thread: the sums of a matrix product, and so the weights, depend on how many share it.
model: $(STAMP)  ## Train the entity model anew: DATA=folder of corpora [OUT=model folder] [SEED=0] make model
	@test -n "$(DATA)" || { echo "make model needs DATA=FOLDER, one folder per corpus; docs/model-card.md names them"; exit 1; }
	OPENBLAS_NUM_THREADS=1 $(BIN)/wirefuse train entities --data "$(DATA)" $(if $(OUT),--out "$(OUT)") --seed $(or $(SEED),0)

dashboards: $(STAMP_DEV)  ## Make the Grafana dashboards and the page of metrics anew.
	$(BIN)/python deploy/grafana/generate.py
	$(BIN)/python -m pipeline.metrics_docs

pictures: $(STAMP_DEV) prometheus  ## Draw the dashboards from eleven minutes of a live chain.
	$(BIN)/python benchmarks/dashboards.py docs/pictures --minutes 11

AUDIT := .venv-audit

audit: $(AUDIT)/.installed  ## Look the locked versions up in the advisory database of the package index.
	@for lock in requirements.lock requirements-build.lock requirements-dev.lock requirements-audit.lock; do \
		echo "$$lock:"; \
		$(AUDIT)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r $$lock || exit 1; \
	done

sbom: $(AUDIT)/.installed  ## Write sbom.cdx.json, a CycloneDX bill of materials of the locked packages.
	$(AUDIT)/bin/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --sv 1.6 \
		--of JSON -o sbom.cdx.json requirements.lock

$(AUDIT)/.installed: requirements-audit.lock
	$(PYTHON) -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --require-hashes -r requirements-audit.lock
	@touch $@

lock: $(STAMP_DEV)  ## Make the lock files anew from pyproject.toml.
	$(BIN)/pip-compile $(LOCK_FLAGS) -o requirements-build.lock requirements-build.in
	$(BIN)/pip-compile $(LOCK_FLAGS) -o requirements.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_FLAGS) --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	$(BIN)/pip-compile $(LOCK_FLAGS) -o requirements-audit.lock requirements-audit.in

# No index address may stand in a lock file: whoever installs chooses the index.
LOCK_FLAGS := -q --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	--strip-extras --allow-unsafe --no-header

clean:  ## Remove the virtual environment, caches and the demo's data.
	rm -rf $(VENV) $(AUDIT) .wirefuse .mypy_cache .ruff_cache .pytest_cache .hypothesis build *.egg-info

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Wirefuse needs Python 3.11 or later; name one with make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(STAMP): requirements-build.lock requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-build.lock -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(STAMP_DEV): requirements-dev.lock $(STAMP)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@
