"""Cytokines over a study: one job, each sample against the baseline of its subject, from all plates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps import cytokine_plates
from tilseq.steps.baselines import start_day
from tilseq.steps.cytokine_figures import draw_levels
from tilseq.steps.job import Job, read_needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.study import Study

STEP = "cytokines"
ASSAY = "cytokine"
CARRIED = ("sample", "subject", "visit", "day", "timing", "specimen", "specimen_id", "role", "status")
INTERVAL = "beads, wells of the plate, standard curve"
CONCENTRATION = "bead array: standard curve of its plate"
FOLD = "over the last {specimen} before treatment (day {day})"
FOLD_INTERVAL = "Zou and Donner 2008"
ABOVE = "above_range"
AWAY = {"quantified": "quantified", "at_least": ABOVE, "at_most": "detected_below_loq", "unknown": "not_evaluable"}
FAILED = "samples.csv calls the sample failed"
OTHER_ROLE = "role {} of samples.csv: not held against a baseline"


def plan(study: Study) -> list[Job]:
    """Return one job that waits for all plates, none where the study has no plate."""
    from tilseq.tables.infusions import given_infusions

    plates = cytokine_plates.plan(study)
    if not plates:
        return []
    samples = study.samples.filter(assay=ASSAY).select(CARRIED)
    subjects = study.subjects["subject"].to_list()
    infusions = given_infusions(study.infusions.filter(study.infusions["subject"].is_in(subjects)))
    arguments = {
        "samples": samples.to_dicts(),
        "starts": {subject: start_day(study, subject) for subject in subjects},
        "subjects": study.subjects.select("subject", "lymphodepletion_day", "il2_end_day").to_dict(as_series=False),
        "infusions": infusions.select("subject", "day").to_dict(as_series=False),
        "il2_end_day": study.settings.analysis.clinical.il2_end_day,
    }
    needs = tuple(job.folder for job in plates)
    return [Job(STEP, "all subjects", f"{STEP}/all", needs=needs, arguments=arguments)]


def run(job: Job, folder: Path) -> None:
    """Write `cytokine_levels`, endpoints, exclusions and figures; a plate that failed takes no part, others go on."""
    import polars as pl

    from tilseq.cytokines import levels
    from tilseq.io.write import write_parquet
    from tilseq.tables.cytokines import CYTOKINE_LEVELS, SAMPLE_CONCENTRATIONS
    from tilseq.tables.inputs import SAMPLES
    from tilseq.tables.outputs import ENDPOINTS, EXCLUSIONS

    parts = [*read_needed(job, folder, SAMPLE_CONCENTRATIONS.name).values()]
    measured = pl.concat([SAMPLE_CONCENTRATIONS.frame(), *parts])
    rows = job.arguments["samples"]
    samples = pl.DataFrame(rows, schema={name: SAMPLES.schema[name] for name in CARRIED})
    sound = (pl.col("status").fill_null("ok") != "failed") & (pl.col("role").fill_null("sample") == "sample")
    found = levels(measured, samples.filter(sound), job.arguments["starts"])
    write_parquet(found, CYTOKINE_LEVELS, folder)
    write_parquet(list(_endpoints(found)), ENDPOINTS, folder)
    left_out = samples.filter(~sound, pl.col("sample").is_in(measured["sample"].to_list()))
    write_parquet([_excluded(row) for row in left_out.iter_rows(named=True)], EXCLUSIONS, folder)
    draw_levels(job, found, folder / "figures")


def _excluded(sample: dict[str, Any]) -> dict[str, Any]:
    rule = FAILED if sample["status"] == "failed" else OTHER_ROLE.format(sample["role"])
    return {"sample": sample["sample"], "file": "samples.csv", "rule": rule, "rows": 1}


def _endpoints(found: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the concentration of each specimen and its fold change; out of range a status and the limit in words."""
    from tilseq.endpoints.rows import endpoint

    for row in found.filter("used").iter_rows(named=True):
        sample = row | {"assay": ASSAY}
        at = {"analyte": row["analyte"], "form": row["form"]}
        yield endpoint(
            sample,
            "cytokine_pg_per_ml",
            row["conc_pg_per_ml"],
            qualifiers=at,
            lower=row["lower"],
            upper=row["upper"],
            interval_method=INTERVAL,
            n=row["wells"],
            status=row["status"],
            value_text=_limit(row),
            method=CONCENTRATION,
        )
        if row["fold_status"] is None:
            continue
        number = row["fold_status"] == "quantified"
        yield endpoint(
            sample,
            "cytokine_fold_from_baseline",
            row["fold"] if number else None,
            qualifiers=at,
            lower=row["fold_lower"],
            upper=row["fold_upper"],
            interval_method=FOLD_INTERVAL,
            status=AWAY[row["fold_status"]],
            value_text=_fold_limit(row),
            method=FOLD.format(specimen=row["specimen"], day=row["baseline_day"]),
        )


def _limit(row: dict[str, Any]) -> str | None:
    """Return the limit of a concentration out of range in words."""
    if row["limit_pg_per_ml"] is None:
        return None
    return f"{'>' if row['status'] == ABOVE else '<'} {_plain(row['limit_pg_per_ml'])} pg/mL"


def _fold_limit(row: dict[str, Any]) -> str | None:
    """Return the limit of a fold change of which more is not known."""
    if row["fold_status"] not in ("at_least", "at_most"):
        return None
    return f"{row['fold_status'].replace('_', ' ')} {_plain(row['fold'])}"


def _plain(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"
