# `make demo` and `make test` are all that a fresh machine needs; both make .venv first.
.PHONY: demo test test-slow test-slurm lint format bench notebooks wheel lock clean
.DEFAULT_GOAL := demo

demo: .venv/ready
	.venv/bin/tilseq run data/sample -o demo-out
	@echo "the report: $(CURDIR)/demo-out/report.html"

# Runs start hundreds of processes: without the compiled modules each would compile them anew.
test: .venv/ready
	PYTHONDONTWRITEBYTECODE= .venv/bin/pytest -m "not slow and not slurm" -n auto --dist worksteal

test-slow: .venv/ready
	.venv/bin/pytest -m slow

# As root on a machine of its own: `apt-get install slurm-wlm munge` first. The cluster's files go into /etc/slurm.
test-slurm: .venv/ready
	PYTHONDONTWRITEBYTECODE= .venv/bin/pytest -m slurm

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

format: .venv/ready
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

bench: .venv/ready
	.venv/bin/python -m benchmarks

notebooks: .venv/ready
	.venv/bin/python tools/make_notebooks.py
	.venv/bin/python tools/make_images.py

wheel: .venv/ready
	.venv/bin/python -m build --wheel

lock: .venv/ready
	PATH="$(CURDIR)/.uv/bin:$$PATH" uv pip compile setup.cfg --universal --generate-hashes --all-extras --python-version 3.12 -o requirements.lock

.venv/ready: requirements.lock setup.cfg tools/make-venv tools/find-python
	tools/make-venv

clean:
	rm -rf .venv .uv build dist demo-out *.egg-info
