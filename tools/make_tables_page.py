"""Write docs/tables.md: what every table holds that tilseq writes, from the registry of columns.

    .venv/bin/python tools/make_tables_page.py

Run it after a change of any table or parameter; a test says so.
"""

from pathlib import Path

from tilseq.endpoints.parameters import ALL
from tilseq.tables import Table
from tilseq.tables.best_response import IGNORED_READS
from tilseq.tables.of_run import GATHERED
from tilseq.tables.outputs import FAILURES, SAMPLES_RUN
from tilseq.tables.repertoire import NEIGHBOURS

PAGE = Path(__file__).parents[1] / "docs" / "tables.md"
TABLES = (*GATHERED, SAMPLES_RUN, FAILURES)
OF_COMMANDS = (NEIGHBOURS, IGNORED_READS)
# First table of each group of the contents → its name.
GROUPS = {
    "endpoints": "Of every laboratory",
    "counts": "Flow cytometry",
    "bead_wells": "Cytokines",
    "depth": "Repertoires",
    "origins": "Infused clones",
    "shared_pairs": "Contamination",
    "scores": "Expression",
    "response": "Clinic",
    "adverse_event_rows": "Safety",
    "samples": "The run",
    "neighbours": "Of commands alone",
}
INTRODUCTION = """# The tables

What every table holds that tilseq writes, column by column. `tilseq run` writes each as `OUT/tables/NAME.csv` and as
`NAME.parquet`, the same numbers; one without a row has its header alone. Commands on single files write some of them.
In Python `ts.read_results("OUT").tables["NAME"]` is one, from which it is not far to
[a figure of your own](report.md#a-figure-of-your-own).
How a number is found stands in the page of its laboratory; what goes in, in [the study folder](manifest.md).
`tools/make_tables_page.py` writes this page from the code.

- **An empty cell is no number**, never 0. Why there is none stands in `status`, `reason` or `method`, where a table has
  these.
- `status` is `quantified` for a number to rely on; `detected_below_loq` for one below the limit of quantification;
  `not_detected`, whose upper limit says how much there may be; `above_range`; `not_evaluable`, which has no number.
  A cytokine has a number where it is `quantified` alone; else its limit stands in words (`value_text` of `endpoints`),
  and as a number under `limit_pg_per_ml`.
- `verdict` is `pass`, `warn` (look before you rely on it) or `fail` (do not rely on it).
- `lower` and `upper` are 95 % limits where their meaning does not say otherwise. Shares are fractions of 1, but for
  those whose unit is %.
- Days count from the subject's first infusion, day 0.
- The *key* names a row: no two rows agree in all of its columns. A table without one is a list.
"""


def cell(words: str) -> str:
    """Return words as a cell of a Markdown table holds them."""
    return words.replace("|", "\\|").replace("\n", " ")


def section(table: Table) -> str:
    """Return the section of one table."""
    lines = [f"## {table.name}", "", table.meaning, ""]
    lines += [f"Key: {', '.join(f'`{name}`' for name in table.key)}.", ""] if table.key else []
    lines += ["| column | holds | meaning |", "|---|---|---|"]
    for column in table.columns:
        holds = ", ".join(f"`{word}`" for word in column.allowed) or column.kind
        holds += f" ({column.unit})" if column.unit else ""
        lines.append(f"| `{column.name}` | {cell(holds)} | {cell(column.meaning)} |")
    return "\n".join(lines)


def parameters() -> str:
    """Return the section of the parameters of the endpoint table."""
    lines = [
        "## Parameters of endpoints",
        "",
        "`qualifier` holds what tells rows of a parameter apart; beside `reference`, `population` is of sorted cells.",
        "In a number of scope `cohort` other samples take part: it may change when one is added. A parameter of scope",
        "`sample` has rows of `cohort`, too: where a tube borrowed cuts, or other libraries told how templates count.",
        "",
    ]
    lines += ["| parameter | unit | told apart by | scope | meaning |", "|---|---|---|---|---|"]
    for one in ALL:
        apart = ", ".join(one.qualifiers)
        lines.append(f"| `{one.name}` | {cell(one.unit)} | {apart} | {one.scope} | {cell(one.meaning)} |")
    return "\n".join(lines)


def page() -> str:
    """Return the whole page."""
    first, *others = TABLES
    parts = [INTRODUCTION.strip(), contents(), section(first), parameters(), *map(section, others)]
    return "\n\n".join([*parts, *map(section, OF_COMMANDS)]) + "\n"


def contents() -> str:
    """Return links to all tables, a line a group."""
    lines: dict[str, list[str]] = {}
    for table in (*TABLES, *OF_COMMANDS):
        if table.name in GROUPS:
            lines[GROUPS[table.name]] = []
        lines[next(reversed(lines))].append(f"[{table.name}](#{table.name})")
    return "\n".join(f"- **{group}**: {', '.join(links)}" for group, links in lines.items())


if __name__ == "__main__":
    PAGE.write_text(page())
