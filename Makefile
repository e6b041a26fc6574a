# `make up` starts Atrium, `make test` tests it. Both set up all they need, inside this folder, when it is missing or has changed.

PYTHON := .venv/bin/python
LOCKED := pyproject.toml uv.lock .python-version bootstrap.sh

# A .venv whose Python went away is made anew.
ifneq ($(wildcard .venv),)
$(shell $(PYTHON) -c 1 >/dev/null 2>&1 || rm -rf .venv)
endif

.PHONY: up neo4j atrium check test fuzz bench bench-scale soak

up: .venv/.for-running
	@exec $(PYTHON) -m atrium up

# make atrium ARGS="doctor --json"
atrium: .venv/.for-running
	@exec $(PYTHON) -m atrium $(ARGS)

# A Neo4j on this machine, for who has Java and Maven; it says how Atrium is started with it.
neo4j: .venv/.for-running
	@exec $(PYTHON) -m shared.embedded.neo4j

check: .venv/.for-developing
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports --no-logo

# make test ARGS="tests/unit -k cursors"
test: check
	@exec $(PYTHON) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

# make fuzz FUZZ_CASES=100000
fuzz: .venv/.for-developing
	@FUZZ_CASES=$(or $(FUZZ_CASES),10000) $(PYTHON) -m pytest -q tests/system/requests/test_documented.py tests/service/graph/test_equality.py

bench: .venv/.for-developing
	@exec $(PYTHON) -m tests.bench $(ARGS)

# make bench-scale ARGS="--messages 1000000"
bench-scale: .venv/.for-developing
	@exec $(PYTHON) -m tests.bench.scale $(ARGS)

# make soak ARGS="--minutes 3"
soak: .venv/.for-developing
	@exec $(PYTHON) -m tests.bench.realtime $(ARGS)

.venv/.for-running: $(LOCKED)
	@sh bootstrap.sh --no-dev --inexact
	@touch $@

.venv/.for-developing: $(LOCKED)
	@sh bootstrap.sh
	@touch $@ .venv/.for-running
