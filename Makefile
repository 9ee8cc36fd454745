PYTHON ?= python3
BIN := .venv/bin
SETUP := .venv/.ready
CLIENTS := tests/clients/node_modules/.ready
BUNDLES := api/practicegraph/web/static/built/.ready

# Tests wait for processes and browsers: one more than there are processors keeps these busy.
PROCESSES = $(shell $(PYTHON) -c 'import os; print(1 + (os.cpu_count() or 1))')

# Tests start many processes, which would each compile the whole package anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-kills test-attacks check bench-search bench-shacl bench-sparql bench-text bench-peers lock clean

run: $(SETUP) $(BUNDLES)  ## Serve the catalogue at http://127.0.0.1:8000
	$(BIN)/practicegraph serve

test: $(SETUP) $(CLIENTS) $(BUNDLES)  ## Check format, types, the catalogue and all behaviour
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/practicegraph check
	$(BIN)/pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder

test-kills: $(SETUP)  ## Kill a writing server and compare what is left; ROUNDS=500 WORKERS=1
	PYTHONPATH=tests $(BIN)/python -W error -m support.kills $(or $(ROUNDS),500) $(or $(WORKERS),1)

test-attacks: $(SETUP)  ## Attack a server and measure the responses of clients; SECONDS=60 ATTACKS='deep-json'
	PYTHONPATH=tests $(BIN)/python -W error -m support.load_beside_attacks $(or $(SECONDS),60) $(ATTACKS)

check: $(SETUP)  ## Check the catalogue only
	$(BIN)/practicegraph check

bench-search: $(SETUP)  ## Measure searches beside SPARQL; OPTIONS='--entries 1000,10000 --rounds 20'
	PYTHONPATH=tests $(BIN)/python -m benchmarks.search $(OPTIONS)

bench-shacl: $(SETUP)  ## Measure SHACL validation beside other engines; OPTIONS='--entries 1000 --without pyshacl'
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps pyshacl-turbo pyshifty
	PYTHONPATH=tests $(BIN)/python -m benchmarks.validators $(OPTIONS)

bench-sparql: $(SETUP)  ## Measure SPARQL beside Oxigraph's server and Virtuoso; OPTIONS='--rounds 1'
	PYTHONPATH=tests $(BIN)/python -m benchmarks.sparql $(OPTIONS)

bench-text: $(SETUP)  ## Measure the text index beside tantivy and plain FTS5; OPTIONS='--entries 10000'
	PYTHONPATH=tests $(BIN)/python -m benchmarks.texts $(OPTIONS)

bench-peers: $(SETUP)  ## Measure what peers can answer, too; OPTIONS='--rounds 1 --without Trifid'
	PYTHONPATH=tests $(BIN)/python -m benchmarks.side_by_side $(OPTIONS)

lock: $(SETUP)  ## Pin the newest versions of all packages that pyproject.toml and package.json admit
	$(BIN)/pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --extra dev \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --no-header \
		--all-build-deps --output-file requirements.lock pyproject.toml
	$(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --extra node \
		--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options --no-header \
		--unsafe-package practicegraph --output-file api/frontend/requirements.lock api/frontend/requirements.in
	for folder in api/frontend tests/clients; do (cd $$folder && npm update --loglevel=error --package-lock-only); done

clean:  ## Remove everything that can be rebuilt
	rm -rf .venv api/frontend/node_modules $(dir $(BUNDLES)) tests/clients/node_modules .practicegraph .mypy_cache .pytest_cache .ruff_cache

$(SETUP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

# Without npm, the tests that need it skip themselves.
$(CLIENTS): tests/clients/package-lock.json tests/clients/package.json
	command -v npm >/dev/null || exit 0; cd tests/clients && npm ci --loglevel=error && touch node_modules/.ready

# Where there is no npm, Node.js comes from PyPI; where it cannot be had either, pages are plainer.
$(BUNDLES): $(SETUP) api/frontend/package-lock.json $(wildcard api/frontend/*.mjs api/frontend/src/*)
	@command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement api/frontend/requirements.lock || exit 0; export PATH="$$PATH:$(CURDIR)/$(BIN)"; \
		cd api/frontend && npm ci --loglevel=error && npm run --silent build && touch ../practicegraph/web/static/built/.ready \
		|| echo 'The bundles of api/frontend could not be built: pages have no scripts'
