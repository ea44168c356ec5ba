"""docs/tables.md is what tools/make_tables_page.py writes, and holds every table of a run and every parameter."""

import subprocess
import sys
from pathlib import Path

import pytest

from tilseq.endpoints.parameters import ALL
from tilseq.tables.of_run import GATHERED
from tilseq.tables.outputs import FAILURES, SAMPLES_RUN

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tables.md").read_text()


def test_the_page_is_of_the_present_registry():
    told = (
        "import make_tables_page as made; assert made.PAGE.read_text() == made.page(), 'run tools/make_tables_page.py'"
    )
    subprocess.run([sys.executable, "-c", told], cwd=ROOT / "tools", check=True)


@pytest.mark.parametrize("table", [*GATHERED, SAMPLES_RUN, FAILURES], ids=lambda table: table.name)
def test_every_table_of_a_run_has_its_columns(table):
    (own,) = [part for part in PAGE.split("\n## ") if part.startswith(f"{table.name}\n")]
    assert [line.split("`")[1] for line in own.splitlines() if line.startswith("| `")] == table.names


def test_every_parameter_of_endpoints_is_told():
    assert [one.name for one in ALL if f"| `{one.name}` |" not in PAGE] == []
