"""What a sample of B-cell receptors has beside its clonotypes: families, isotypes, mutations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.steps.figures import save_figures
from tilseq.steps.job import Job, only_path

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

    from tilseq.repertoire.bcr import Bcr


def write_bcr(
    job: Job, folder: Path, told: Collection[str], *, count_of: str, n_effective: float | None
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], pl.DataFrame]:
    """Write a sample's families, sequences, isotypes, load of mutations and figures.

    Parameters
    ----------
    job, folder
        Of the step `repertoire`.
    told
        Warnings and notes of the file that its clonotypes gave already.
    count_of
        What the counts count.
    n_effective
        Effective number of B cells behind the counts of heavy chains, None where it is not known.

    Returns
    -------
    endpoints, quality, exclusions
        Rows of these tables; excluded are receptors of T cells, the other rules are those of the clonotypes.
    """
    import polars as pl

    from tilseq.io.bcr import NOT_OF_B_CELLS, read_bcr
    from tilseq.io.write import write_parquet
    from tilseq.repertoire.bcr import bcr
    from tilseq.steps.reading import reading_rows
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.repertoire import FAMILIES, ISOTYPES, MUTATION, MUTATION_LOAD

    sequences = read_bcr(only_path(job), dialect=job.arguments["dialect"], locus=job.arguments["locus"])
    threshold = job.arguments["family_threshold"]
    found = bcr(sequences.table, sample=job.unit, count_of=count_of, threshold=threshold, n_effective=n_effective)
    write_parquet(found.families, FAMILIES, folder)
    write_parquet(found.mutation, MUTATION, folder)
    write_parquet(found.mutation_load, MUTATION_LOAD, folder)
    write_parquet(found.isotypes, ISOTYPES, folder)
    _draw(found, folder / "figures")
    quality = reading_rows(job.unit, sequences, "reading of B cells", told)
    of_t_cells = sequences.exclusions.filter(rule=NOT_OF_B_CELLS).with_columns(
        sample=pl.lit(job.unit), file=pl.lit((job.sample or {})["path"])
    )
    rows = _endpoints(job.sample or {}, found, count_of)
    return rows, quality + _quality(job.unit, found), of_t_cells.select(EXCLUSIONS.names)


def _endpoints(sample: Mapping[str, Any], found: Bcr, count_of: str) -> list[dict[str, Any]]:
    import polars as pl

    from tilseq.endpoints.rows import endpoint
    from tilseq.steps.diversity_rows import diversity_rows

    key = f"families: threshold {found.threshold:g} ({found.threshold_source})"
    shares = found.isotypes.filter(pl.col("share").is_not_null(), pl.col("level") != "subclass", unit="families")
    return [
        *diversity_rows(sample, found.diversity, f"{key}; counts: {count_of}"),
        *(
            endpoint(
                sample,
                "isotype_share",
                row["share"],
                qualifiers={"isotype": row["isotype"]},
                lower=row["lower"],
                upper=row["upper"],
                interval_method="Clopper-Pearson",
                n=row["total"],
                method=key,
            )
            for row in shares.iter_rows(named=True)
        ),
        *(
            endpoint(
                sample,
                "mutation_frequency_mean",
                row["mean_frequency"],
                qualifiers={"locus": row["locus"], "isotype": row["isotype"]},
                lower=row["lower"],
                upper=row["upper"],
                interval_method="Student, over families",
                n=row["families"],
                method=key,
            )
            for row in found.mutation_load.iter_rows(named=True)
        ),
    ]


def _quality(sample: str, found: Bcr) -> list[dict[str, Any]]:
    """Return a warning where the distances do not tell the threshold, and what it is where they do.

    And one where sequences are too far from their germline.
    """
    reason = found.far_from_germline
    far = [{"sample": sample, "check": "mutations", "verdict": "warn", "reason": reason}] if reason else []
    if not found.families.height:
        return far
    if found.threshold_source == "usual":
        verdict, reason = "warn", "the distances between junctions show no valley: the usual threshold is taken"
    else:
        verdict, reason = "pass", f"the threshold is {'set' if found.threshold_source == 'set' else 'their valley'}"
    if found.without_family:
        reason += f"; {found.without_family} heavy chains without V or J gene are of no family"
    check = {"sample": sample, "check": "families", "value": found.threshold, "verdict": verdict, "reason": reason}
    return [check | {"limit": "largest share of bases in which neighbours differ"}, *far]


def _draw(found: Bcr, folder: Path) -> None:
    from tilseq.plots.bcr import distance_histogram, isotype_bars, mutation_histogram

    drawn: dict[str, tuple[Axes, str]] = {}
    if found.isotypes.filter(unit="families", level="class")["share"].count():
        drawn["isotypes"] = (
            isotype_bars(found.isotypes),
            "isotypes: share of the families of each class, each family once, by the class of most of its sequences; "
            "lines are 95 % limits.",
        )
    if found.mutation.filter(locus="IGH")["mutation_frequency"].count():
        drawn["mutations"] = (
            mutation_histogram(found.mutation),
            "mutations: how far heavy chains are from their germline, those that have switched class apart.",
        )
    if found.distances["distance"].count():
        drawn["distances"] = (
            distance_histogram(found.distances, threshold=found.threshold, source=found.threshold_source),
            "families: how far each heavy chain's junction is from the nearest other of like genes and length; the "
            "line is the threshold, nearer ones are one family.",
        )
    save_figures(drawn, folder)
