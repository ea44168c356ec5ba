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

    from tilseq.endpoints.parameters import Scope
    from tilseq.repertoire.bcr import BCellFamilies


def write_bcr(
    job: Job, folder: Path, told: Collection[str]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], pl.DataFrame]:
    """Write a sample's families, sequences, load of mutations and figures.

    What rests on the cells behind its counts waits for the other samples of its subject, see `with_cells`.

    Parameters
    ----------
    job, folder
        Of the step `repertoire`.
    told
        Warnings and notes of the file that its clonotypes gave already.

    Returns
    -------
    endpoints, quality, exclusions
        Rows of these tables; excluded are receptors of T cells, the other rules are those of the clonotypes.
    """
    import polars as pl

    from tilseq.io.bcr import NOT_OF_B_CELLS, read_bcr
    from tilseq.io.write import write_parquet
    from tilseq.repertoire.bcr import b_cell_families
    from tilseq.repertoire.isotypes import isotypes
    from tilseq.steps.reading import reading_rows
    from tilseq.tables.outputs import EXCLUSIONS
    from tilseq.tables.repertoire import FAMILIES, MUTATION, MUTATION_LOAD

    sequences = read_bcr(only_path(job), dialect=job.arguments["dialect"], locus=job.arguments["locus"])
    threshold = job.arguments["family_threshold"]
    found = b_cell_families(sequences.table, sample=job.unit, threshold=threshold)
    of_families = isotypes(found.mutation, sample=job.unit).filter(unit="families")
    write_parquet(found.families, FAMILIES, folder)
    write_parquet(found.mutation, MUTATION, folder)
    write_parquet(found.mutation_load, MUTATION_LOAD, folder)
    _draw(found, of_families, folder / "figures")
    quality = reading_rows(job.unit, sequences, "reading of B cells", told)
    of_t_cells = sequences.exclusions.filter(rule=NOT_OF_B_CELLS).with_columns(
        sample=pl.lit(job.unit), file=pl.lit((job.sample or {})["path"])
    )
    rows = _endpoints(job.sample or {}, found, of_families)
    return rows, quality + _quality(job.unit, found), of_t_cells.select(EXCLUSIONS.names)


def with_cells(
    sample: Mapping[str, Any], families: pl.DataFrame, sequences: pl.DataFrame, *, scope: Scope | None, **behind: Any
) -> tuple[list[dict[str, Any]], pl.DataFrame]:
    """Return what rests on the cells behind a sample: endpoints of the diversity of its families, and its isotypes.

    Parameters
    ----------
    sample
        Row of `samples.csv`.
    families, sequences
        Its tables `families` and `mutation`.
    scope
        As for `diversity_rows`.
    behind
        `count_of`, `n_effective`, `counting` and `cells`, as for `diversity`.

    Returns
    -------
    endpoints, isotypes
    """
    from tilseq.repertoire.bcr import HEAVY
    from tilseq.repertoire.families import family_diversity
    from tilseq.repertoire.isotypes import isotypes
    from tilseq.steps.diversity_rows import diversity_rows

    name, counts, n_effective = sample["sample"], behind["count_of"], behind["n_effective"].get(HEAVY)
    found = isotypes(sequences, sample=name, count_of=counts, n_effective=n_effective)
    if families.is_empty():
        return [], found
    threshold, source = families.select("threshold", "threshold_source").row(0)
    method = f"{_families_by(threshold, source)}; counts: {counts}"
    return diversity_rows(sample, family_diversity(sequences, sample=name, **behind), method, scope), found


def _families_by(threshold: float, source: str) -> str:
    return f"families: threshold {threshold:g} ({source})"


def _endpoints(sample: Mapping[str, Any], found: BCellFamilies, isotypes: pl.DataFrame) -> list[dict[str, Any]]:
    import polars as pl

    from tilseq.endpoints.rows import endpoint

    key = _families_by(found.threshold, found.threshold_source)
    shares = isotypes.filter(pl.col("share").is_not_null(), pl.col("level") != "subclass")
    return [
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


def _quality(sample: str, found: BCellFamilies) -> list[dict[str, Any]]:
    """Return a warning where the distances do not tell the threshold, and what it is where they do.

    And one where alignments may be wrong.
    """
    reason = "; ".join(found.doubts)
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


def _draw(found: BCellFamilies, isotypes: pl.DataFrame, folder: Path) -> None:
    from tilseq.plots.bcr import distance_histogram, isotype_bars, mutation_histogram

    drawn: dict[str, tuple[Axes, str]] = {}
    if isotypes.filter(level="class")["share"].count():
        drawn["isotypes"] = (
            isotype_bars(isotypes),
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
