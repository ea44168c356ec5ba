"""Bead arrays: one job a plate, from its wells to concentrations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.errors import first_few
from tilseq.steps.cytokine_plate_figures import draw_plate
from tilseq.steps.job import Job

if TYPE_CHECKING:
    import polars as pl

    from tilseq.cytokines import Beads, Quantified
    from tilseq.io.plates import Wells
    from tilseq.kits import Kit
    from tilseq.study import Study

STEP = "cytokine_plates"
SAMPLE = "sample"
BEADS = "50 beads of each analyte in each well are good, 35 needed"
FILES = "nothing odd in the files of its wells and of the standards"
MOST_TOLD = 3
CURVES = "a standard curve of each analyte of the kit"


def plan(study: Study) -> list[Job]:
    """Return one job for each plate of plates/; it reads the files of the wells, then the kits of the study's own."""
    from tilseq.study.names import safe_name

    settings = study.settings.analysis.cytokines
    kits = [str(study.root / path) for path in settings.kits]
    jobs = []
    for file, sheet in study.sheets.items():
        numbered = sheet.with_row_index("row", offset=2)
        for (plate,), rows in numbered.group_by("plate", maintain_order=True):
            wells = rows["path"].unique(maintain_order=True)
            arguments = {
                "file": file,
                "rows": rows["row"].to_list(),
                "sheet": rows.drop("row").to_dict(as_series=False),
                "kits": len(kits),
                "model": settings.model,
                "shared_dilution": settings.shared_dilution,
            }
            jobs.append(
                Job(
                    step=STEP,
                    unit=f"{plate}",
                    folder=f"{STEP}/{safe_name(f'{plate}')}",
                    paths=(*(str(study.root / path) for path in wells), *kits),
                    arguments=arguments,
                    samples=tuple(rows.filter(role=SAMPLE)["sample"].drop_nulls().unique(maintain_order=True)),
                )
            )
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write beads, curves, recoveries, dilution errors, concentrations, quality, exclusions and figures of a plate.

    A well whose file cannot be read fails alone, and its rows say why; so does an analyte without a curve.

    Raises
    ------
    StudyError
        The sheet contradicts its kits; every fault is listed with the first row that has it.
    """
    from tilseq.cytokines import find_beads, quantify
    from tilseq.io.plates import read_wells
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import QUALITY

    given = job.arguments
    sheet, kits = _sheet_and_kits(job)
    root = job.paths[0].removesuffix(Path(sheet["path"][0]).as_posix())
    wells = read_wells(sheet, root, kits)
    # Nobody's home belongs into a table.
    lost = {key: reason.replace(root, "") for key, reason in wells.lost.items()}
    beads = find_beads(sheet, wells.events, kits, lost, wells.not_finite)
    told = quantify(sheet, beads.wells, kits, model=given["model"], shared_dilution=given["shared_dilution"])
    for frame, table in (
        *beads.tables(),
        *told.tables(),
        (QUALITY.frame([*_files(job.samples, sheet, wells), *_quality(job.samples, beads, told)]), QUALITY),
    ):
        write_parquet(frame, table, folder)
    draw_plate(beads, told, folder / "figures")


def _sheet_and_kits(job: Job) -> tuple[pl.DataFrame, Mapping[str, Kit]]:
    """Return the plate's rows in the order of the sheet, and all kits; a sheet that contradicts them is refused."""
    import polars as pl

    from tilseq.errors import StudyError
    from tilseq.io.kits import read_kits
    from tilseq.io.plates import check_kits
    from tilseq.tables.inputs import PLATES

    given = job.arguments
    kits = read_kits(job.paths[len(job.paths) - given["kits"] :])
    sheet = pl.DataFrame(given["sheet"], schema=PLATES.schema)
    problems = check_kits(sheet, kits, file=given["file"], rows=given["rows"])
    if problems:
        # A kit that is not known is wrong in each of its rows: told once.
        first = {(problem.what, problem.found): problem for problem in reversed(problems)}
        raise StudyError([problem for problem in problems if problem in first.values()], "the plate sheet")
    return sheet, kits


def _files(samples: Sequence[str], sheet: pl.DataFrame, wells: Wells) -> Iterator[dict[str, Any]]:
    """Yield a check of each sample that says what was odd in the files of its wells and of those of no sample."""
    import polars as pl

    for sample in samples:
        own = sheet.filter((pl.col("sample") == sample) | pl.col("sample").is_null())
        keys = own.select("plate", "well").unique(maintain_order=True).iter_rows()
        odd = [warning for key in keys for warning in wells.odd.get(key, ())]
        if odd:
            yield {
                "sample": sample,
                "check": "files of wells",
                "value": len(odd),
                "limit": FILES,
                "verdict": "warn",
                "reason": first_few(odd, MOST_TOLD),
            }


def _quality(samples: Sequence[str], beads: Beads, told: Quantified) -> Iterator[dict[str, Any]]:
    """Yield checks of each sample: the beads of its wells, the curves that it is read from, and wells that differ."""
    import polars as pl

    from tilseq.cytokines.concentrations import MOST_CV_PCT, unlike

    differing = unlike(told.samples)
    curves = {row["analyte"]: row for row in told.curves.iter_rows(named=True)}
    for sample in samples:
        own = beads.wells.filter(sample=sample)
        usable = own.filter(pl.col("verdict") != "fail")
        doubted = own.filter(pl.col("verdict") != "pass")
        counts = own["beads"].fill_null(0)
        yield {
            "sample": sample,
            "check": "beads",
            "value": counts.min(),
            "limit": BEADS,
            "verdict": "fail" if usable.is_empty() else "warn" if doubted.height else "pass",
            "reason": _of_beads(doubted, own.height),
        }
        analytes = own["analyte"].unique(maintain_order=True)
        lacking = [name for name in analytes if curves[name]["verdict"] == "fail"]
        unsure = [name for name in analytes if curves[name]["verdict"] != "pass"]
        yield {
            "sample": sample,
            "check": "standard_curves",
            "value": analytes.len() - len(lacking),
            "limit": CURVES,
            "verdict": "fail" if len(lacking) == analytes.len() else "warn" if unsure else "pass",
            "reason": "; ".join(f"{name}: {curves[name]['reason']}" for name in unsure) or None,
        }
        apart = differing.filter(sample=sample)
        if apart.height:
            yield {
                "sample": sample,
                "check": "wells of a sample",
                "value": apart["cv_pct"].max(),
                "limit": f"a CV of {MOST_CV_PCT:.0f} % between wells of one sample",
                "verdict": "warn",
                "reason": "; ".join(f"{row['analyte']}: {row['reason']}" for row in apart.iter_rows(named=True)),
            }


def _of_beads(doubted: pl.DataFrame, analytes: int) -> str | None:
    """Return in how many wells an analyte was in doubt, and why the first of them was."""
    if doubted.is_empty():
        return None
    first = doubted.row(0, named=True)
    where = f"{first['analyte']} in {first['well']}"
    return f"{doubted.height} of {analytes} analytes in wells are in doubt; {where}: {first['reason']}"
