# Each goal sets up what it needs, or says in one line what is missing.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
WASM := wasm32-unknown-unknown
KAFKA := $(TARGET_DIR)/kafka
PYTHON ?= python3
AIRFLOWS := $(TARGET_DIR)/airflow2/pinned.txt $(TARGET_DIR)/airflow3/pinned.txt
PACKAGE := $(abspath $(TARGET_DIR))/airflow
SDK_PYTHON := $(TARGET_DIR)/python
SDK_JS := sdk/js/node_modules

.DEFAULT_GOAL := help
.PHONY: help demo test test-airflow test-airflow-package airflow-package chaos bench bench-peers openapi lint doc fmt rust build-tools wasm kafka airflow python js

help: ## Says what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: wasm build-tools ## Shows a sensor filling up; needs no broker
	$(CARGO) build --release --bin eventlatch
	$(TARGET_DIR)/release/eventlatch demo

# Most tests wait for a broker or a service, so one more than there are cores.
test: export RUST_TEST_THREADS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
test: wasm build-tools kafka python js ## Runs every test, with a real Apache Kafka
	$(CARGO) build --workspace --bins --tests
	$(CARGO) test --workspace

# Left out by `make test`, which says so: they need two Airflows, half a gigabyte.
test-airflow: wasm build-tools kafka airflow ## Runs the tests that mark tasks in real Airflows, 3 and 2
	$(CARGO) build --workspace --bin eventlatch --test it
	$(CARGO) test --workspace --test it -- airflow:: --ignored
	$(MAKE) test-airflow-package

# The provider package: lints and types, then alone, with the service, and with real Airflows. Needs a built eventlatch.
test-airflow-package: kafka airflow-package
	cd sdk/python-airflow && $(PACKAGE)3/bin/ruff check . ../../examples/airflow --config pyproject.toml
	cd sdk/python-airflow && $(PACKAGE)3/bin/ruff format --check . ../../examples/airflow --config pyproject.toml
	cd sdk/python-airflow && $(PACKAGE)3/bin/mypy
	cd sdk/python-airflow && $(PACKAGE)2/bin/python -m pytest -q
	cd sdk/python-airflow && $(PACKAGE)3/bin/python -m pytest -q tests/unit tests/service tests/e2e --numprocesses 2 --dist loadfile --durations=10

# What one fault does once is told by other tests; they belong to the picture.
CHAOS := chaos:: guarded:: modes:: source::gaps source::groups source::guarantees source::stores source::trouble \
	service::another_store service::failing service::outbox service::readiness service::stopping service::store_faults service::taking_over service::webhook

chaos: wasm build-tools kafka ## Breaks everything again and again under load, and counts; takes about an hour
	$(CARGO) build --workspace --bin eventlatch --test it
	rm -rf $(TARGET_DIR)/tmp/chaos
	EVENTLATCH_TEST_SCALE=full $(CARGO) test --workspace --test it -- $(CHAOS) --test-threads=1 --nocapture; \
		code=$$?; cat $(TARGET_DIR)/tmp/chaos/*.txt; exit $$code

bench: wasm build-tools kafka ## Measures; a quiet machine gives better figures
	$(CARGO) build --release --workspace --bin eventlatch --benches
	$(CARGO) bench --workspace --bench '*'

bench-peers: wasm build-tools python js ## Measures against Extism, quamina, and matchers in other languages
	mkdir -p tests/peers/guests/build
	node sdk/js/bin/eventlatch-build.js tests/peers/guests/javascript -o tests/peers/guests/build/javascript.wasm
	$(SDK_PYTHON)/bin/python -m eventlatch_sdk.build tests/peers/guests/python -o tests/peers/guests/build/python.wasm
	$(CARGO) bench --manifest-path tests/peers/Cargo.toml --target-dir $(abspath $(TARGET_DIR))/peers

openapi: wasm build-tools ## Renews docs/openapi.json, the document of the HTTP API
	$(CARGO) run --quiet --bin eventlatch -- openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json

lint: wasm build-tools ## Checks formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) fmt --check --manifest-path tests/peers/Cargo.toml --package eventlatch-peers --package extism-guest
	$(CARGO) clippy --workspace --all-targets -- -D warnings

doc: wasm build-tools ## Builds the documentation of the crates
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --workspace

fmt: rust ## Formats the code
	$(CARGO) fmt --all
	$(CARGO) fmt --manifest-path tests/peers/Cargo.toml --package eventlatch-peers --package extism-guest

rust:
	@command -v $(CARGO) >/dev/null || { echo "cargo is missing: install Rust with rustup" >&2; exit 1; }

# rustup brings the toolchain of rust-toolchain.toml, and with it the target; a Rust without rustup has to have both.
wasm: rust
	@ls "$$(rustc --print sysroot)/lib/rustlib/$(WASM)" >/dev/null 2>&1 || rustup target add $(WASM) || { \
		echo "the Rust target $(WASM) is missing: install it, or use rustup" >&2; exit 1; }

# OpenSSL and librdkafka are built from source.
build-tools:
	@for tool in cc c++ make perl; do command -v $$tool >/dev/null || { \
		echo "$$tool is missing: install a C and C++ compiler, make and perl (Debian: build-essential perl)" >&2; \
		exit 1; }; done

kafka: $(KAFKA)/pom.xml

# The stamp is the pom itself: a broker for the tests that changed is fetched again.
$(KAFKA)/pom.xml: tests/pom.xml
	@command -v java >/dev/null || { echo "java is missing: install Java 17 or newer for the tests' broker" >&2; exit 1; }
	@command -v mvn >/dev/null || { echo "mvn is missing: install Maven, which fetches the tests' broker" >&2; exit 1; }
	rm -rf $(KAFKA)
	mvn -q -B -Dstyle.color=never -f tests/pom.xml dependency:copy-dependencies -DincludeScope=runtime \
		-DoutputDirectory=$(abspath $(KAFKA))
	cp tests/pom.xml $@

airflow: $(AIRFLOWS)

# The stamps are the pinned packages themselves: an Airflow for the tests that changed is installed again.
$(TARGET_DIR)/airflow%/pinned.txt: tests/airflow/%.txt
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info < (3, 13))' 2>/dev/null || { \
		echo "$(PYTHON) must be Python 3.10 to 3.12 with venv to install the tests' Airflow: install one (Debian:" \
		"python3-venv), or make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	rm -rf $(@D)
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	cp $< $@

# The provider package as it is in the tree, beside the tests' Airflows.
airflow-package: $(PACKAGE)2/package.toml $(PACKAGE)3/package.toml

$(PACKAGE)%/package.toml: sdk/python-airflow/pyproject.toml $(TARGET_DIR)/airflow%/pinned.txt
	$(@D)/bin/pip install -q --disable-pip-version-check -e 'sdk/python-airflow[dev]'
	cp $< $@

# What the SDK for Python is tested with. It and its tests are read from where they are.
python: $(SDK_PYTHON)/requirements-dev.txt

$(SDK_PYTHON)/requirements-dev.txt: sdk/python/requirements-dev.txt
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer with venv is missing: install it for the Python SDK (Debian: python3-venv)" >&2; exit 1; }
	rm -rf $(SDK_PYTHON)
	$(PYTHON) -m venv $(SDK_PYTHON)
	$(SDK_PYTHON)/bin/pip install -q --disable-pip-version-check -r sdk/python/requirements-dev.txt
	$(SDK_PYTHON)/bin/python -c 'import pathlib, sysconfig; print("$(abspath sdk/python/src)", \
		file=pathlib.Path(sysconfig.get_path("purelib"), "eventlatch-sdk.pth").open("w"))'
	cp sdk/python/requirements-dev.txt $@

# What the SDK for JavaScript needs. Node finds it nowhere but beside the SDK.
js: $(SDK_JS)/.package-lock.json

$(SDK_JS)/.package-lock.json: sdk/js/package-lock.json
	@command -v npm >/dev/null && node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' || { \
		echo "Node.js 20 or newer with npm is missing: install it for the JavaScript SDK" >&2; exit 1; }
	npm ci --prefix sdk/js --no-audit --no-fund --silent
	touch $@
