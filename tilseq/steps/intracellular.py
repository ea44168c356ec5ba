"""Cytokines within cells: one job a subject, over its stimulated and unstimulated tubes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.baselines import start_day
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

    from tilseq.steps.stimulated_tubes import Read, ToRead
    from tilseq.study import Study

STEP = "intracellular"
METHOD = "stimulated less unstimulated, above one threshold within CD3+"
DENSITY = (
    "dark is one event, bright many; the line is the threshold of both tubes; cells beyond an axis stand at its end"
)
INTERVAL = "Clopper-Pearson of effective counts of both shares, joined by MOVER"


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a stimulated tube.

    Files that it reads are the tubes, each once, then spillovers and frozen cuts; its arguments tell which is which.
    """
    from tilseq.steps.stimulated_tubes import ROLES
    from tilseq.study.names import safe_name

    rows = study.samples.filter(assay="flow").to_dicts()
    subjects = dict.fromkeys(row["subject"] for row in rows if row["role"] == ROLES[0])
    planned = []
    for subject in subjects:
        own = [row for row in rows if row["subject"] == subject and row["role"] in ROLES]
        paths: list[str] = []
        tubes = {row["sample"]: _tube(study, row, paths) for row in own}
        cuts = study.settings.analysis.flow.cuts
        arguments = {
            "stained": tubes,
            "cuts": None if cuts is None else _place(paths, str(study.root / cuts)),
            "start_day": start_day(study, subject),
            "rule": study.settings.analysis.flow.intracellular.model_dump(),
        }
        folder = f"{STEP}/{safe_name(subject)}"
        read = tuple(name for name, tube in tubes.items() if tube["file"] is not None)
        planned.append(
            Job(step=STEP, unit=subject, folder=folder, paths=tuple(paths), arguments=arguments, samples=read)
        )
    return planned


def _tube(study: Study, row: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    """Return what reads one tube, and add its files to those of the job."""
    from tilseq.steps.flow_tubes import arguments_of

    gating = arguments_of(study, row)
    files, fault = study.files(row["sample"]), None
    if row["status"] == "failed":
        fault = "it failed, by samples.csv"
    elif len(files) != 1:
        fault = f"a tube is one file, and samples.csv names {len(files)}"
    spill = gating["spill"]
    return {
        "row": dict(row),
        "file": _place(paths, str(files[0])) if fault is None else None,
        "gating": gating,
        "spill": None if spill is None else _place(paths, str(study.root / spill)),
        "fault": fault,
    }


def _place(paths: list[str], path: str) -> int:
    """Return the place of a file among those of the job, to which it is added where it is new."""
    if path not in paths:
        paths.append(path)
    return paths.index(path)


def run(job: Job, folder: Path) -> None:
    """Count cytokines in the tubes of a subject, and write responses, quality, cuts, endpoints and figures."""
    import polars as pl

    from tilseq.flow.cytokine_response import ResponseRule
    from tilseq.io.write import write_parquet
    from tilseq.steps.figures import save_figures
    from tilseq.steps.stimulated_tubes import pair_checks, read_subject, responses
    from tilseq.tables.intracellular import INTRACELLULAR
    from tilseq.tables.outputs import CUTS, ENDPOINTS, EXCLUSIONS, FAILURES, QUALITY

    read = read_subject([_to_read(job, one) for one in job.arguments["stained"].values()])
    table = responses([read], ResponseRule(**job.arguments["rule"]), {job.unit: job.arguments["start_day"]})
    rows = {name: one["row"] for name, one in job.arguments["stained"].items()}
    write_parquet(table, INTRACELLULAR, folder)
    write_parquet(pl.concat([QUALITY.frame(pair_checks(table)), *read.quality]), QUALITY, folder)
    write_parquet(pl.concat([CUTS.frame(), *read.cuts]), CUTS, folder)
    write_parquet(read.exclusions, EXCLUSIONS, folder)
    write_parquet(endpoints(table, rows), ENDPOINTS, folder)
    write_parquet(_failures(read, rows), FAILURES, folder)
    save_figures(figures(table, read), folder / "figures")


def _to_read(job: Job, one: Mapping[str, Any]) -> ToRead:
    from tilseq.io.cuts import read_cohort_cuts
    from tilseq.steps.flow_spill import given_spill
    from tilseq.steps.stimulated_tubes import ToRead

    paths, cuts = job.paths, job.arguments["cuts"]
    return ToRead(
        row=one["row"],
        path=None if one["file"] is None else paths[one["file"]],
        gating=one["gating"],
        spill=None if one["spill"] is None else given_spill(paths[one["spill"]], one["gating"]["spill"]),
        usual=None if cuts is None else read_cohort_cuts(paths[cuts], one["row"]),
        fault=one["fault"],
    )


def _failures(read: Read, rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"step": STEP, "unit": name, "sample": name, "error": why, "file": rows[name]["path"], "retry": "tilseq run"}
        for name, why in read.faults.items()
        if rows[name]["status"] != "failed"
    ]


def endpoints(table: pl.DataFrame, rows: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the difference of each cytokine, population and stimulus as rows of the endpoint table.

    Parameters
    ----------
    table
        Table `intracellular`.
    rows
        Sample → row of samples.csv.
    """
    from tilseq.endpoints.rows import endpoint

    found = []
    for row in table.filter(table["difference_pct"].is_not_null()).iter_rows(named=True):
        evaluable = row["response"] != "not_evaluable"
        qualifiers = {name: row[name] for name in ("marker", "population", "stimulus")}
        found.append(
            endpoint(
                next(one for name, one in rows.items() if f"{row['stimulated']};".startswith(f"{name};")),
                "cytokine_difference_pct",
                row["difference_pct"] if evaluable else None,
                qualifiers=qualifiers,
                lower=row["lower"],
                upper=row["upper"],
                interval_method=INTERVAL,
                n=row["cells_stimulated"],
                method=METHOD,
            )
        )
    return found


def figures(table: pl.DataFrame, read: Read) -> dict[str, tuple[Axes, str]]:
    """Draw the responses of one subject by cytokine, and each pair of tubes with its threshold: name, axes, caption."""
    from tilseq.plots.stimulated import intracellular, stimulated_pair

    drawn: dict[str, tuple[Axes, str]] = {}
    told = table.filter(table["difference_pct"].is_not_null())
    for subject, marker in told.select("subject", "marker").unique().sort("subject", "marker").iter_rows():
        figure = intracellular(told.filter(subject=subject), marker=marker)
        drawn[f"responses of {subject} {marker}"] = figure.axes[0], f"{marker} with and without a stimulus"
    for one in read.panels:
        figure = stimulated_pair(one.unstimulated, one.stimulated, one.cytokine, one.threshold)
        names = [", ".join(tube.sample for tube in group) for group in (one.stimulated, one.unstimulated)]
        caption = f"{one.cytokine} of CD3+ cells in {names[0]} and unstimulated in {names[1]}; {DENSITY}"
        drawn[f"{names[0]} {one.cytokine}"] = figure.axes[0], caption
    return drawn
