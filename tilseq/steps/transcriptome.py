"""The transcriptome within subjects: one job a population of samples, over all subjects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.steps import bulk_rna, pseudobulk
from tilseq.steps.bulk_rna import COUNTS
from tilseq.steps.expression_levels import INFUSED, NOT_SEEN, levels_with_both, over_visits, with_levels
from tilseq.steps.job import Job, needed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.steps.expression_samples import Samples
    from tilseq.study import Study

STEP = "transcriptome"
BULK = "bulk RNA"
ALPHA = 0.05
SMALLEST_GIVEN, SMALLEST_BUILT_IN = 15, 10  # genes of a set; exhaustion and activation have 14
SEED = 1  # of random sign flips, which more than 12 subjects take
AT = " at "  # parts a contrast of labels from the level that it is made at
# Population of summed cells → their type, and the statuses of their groups; two are compared within each level.
POPULATIONS: Mapping[str, tuple[str, tuple[str | None, ...]]] = {
    "CD4 T cells": ("CD4", (None,)),
    "CD8 T cells": ("CD8", (None,)),
    "infused CD4 T cells": ("CD4", (INFUSED,)),
    "infused CD8 T cells": ("CD8", (INFUSED,)),
    "CD4 T cells by label": ("CD4", (INFUSED, NOT_SEEN)),
    "CD8 T cells by label": ("CD8", (INFUSED, NOT_SEEN)),
}


class Compared(NamedTuple):
    """What one contrast gave: its row of `transcriptome`, and rows of `differential` and `enrichment`, if any."""

    row: dict[str, Any]
    genes: pl.DataFrame | None = None
    sets: pl.DataFrame | None = None


def plan(study: Study) -> list[Job]:
    """Return one job for bulk RNA and one for each population of cells, where two subjects or more have them."""
    settings = study.settings.analysis.expression
    arguments: dict[str, Any] = {
        "contrasts": list(settings.contrasts),
        "gene_sets": settings.gene_sets is not None,
        "smallest_set": settings.smallest_set or (SMALLEST_BUILT_IN if settings.gene_sets is None else SMALLEST_GIVEN),
        "lymphodepletion": dict(study.subjects.select("subject", "lymphodepletion_day").iter_rows()),
    }
    paths = () if settings.gene_sets is None else (str(study.root / settings.gene_sets),)
    bulk, cells = bulk_rna.plan(study), pseudobulk.plan(study)
    rows = {job.folder: row for job, row in zip(bulk, with_levels([job.sample or {} for job in bulk]), strict=True)}
    jobs = []
    if len({row["subject"] for row in rows.values()}) > 1:
        jobs.append(_job(BULK, bulk, paths, {**arguments, "samples": rows}))
    if len(cells) > 1:
        jobs += [_job(name, cells, paths, arguments) for name in POPULATIONS]
    return jobs


def _job(population: str, needs: Sequence[Job], paths: tuple[str, ...], arguments: Mapping[str, Any]) -> Job:
    from tilseq.study.names import safe_name

    return Job(
        step=STEP,
        unit=population,
        folder=f"{STEP}/{safe_name(population)}",
        paths=paths,
        needs=tuple(job.folder for job in needs),
        arguments=arguments,
    )


def run(job: Job, folder: Path) -> None:
    """Write what each contrast of the population gave, gene by gene and set by set, and draw it.

    A contrast that cannot be made keeps its row in `transcriptome`, which says why; the others go on.
    """
    import polars as pl

    from tilseq.io.write import write_parquet
    from tilseq.steps.transcriptome_figures import draw_transcriptome
    from tilseq.tables.differential import DIFFERENTIAL
    from tilseq.tables.enrichment import ENRICHMENT, SAMPLE_SCORES
    from tilseq.tables.transcriptome import TRANSCRIPTOME

    samples, rows = _samples(job, folder)
    families = _gene_sets(job)
    sets = {name: genes for of in families.values() for name, genes in of.items()}
    asked = _asked(job, rows)
    found = [compare(samples, contrast, sets, smallest=job.arguments["smallest_set"]) for contrast in asked]
    enrichment = _corrected([one.sets for one in found if one.sets is not None], families, job.unit)
    scores = _scores(samples, sets, job.arguments["smallest_set"])
    genes = pl.concat([DIFFERENTIAL.frame(), *(one.genes for one in found if one.genes is not None)])
    told = [one.row | {"population": job.unit} | _sets_changed(enrichment, one.row["contrast"]) for one in found]
    population = pl.lit(job.unit).alias("population")
    write_parquet(TRANSCRIPTOME.frame(told), TRANSCRIPTOME, folder)
    write_parquet(genes.with_columns(population), DIFFERENTIAL, folder)
    write_parquet(enrichment.with_columns(population), ENRICHMENT, folder)
    write_parquet(scores.with_columns(population), SAMPLE_SCORES, folder)
    draw_transcriptome(asked, genes, enrichment, scores, samples.design, folder / "figures")


def _samples(job: Job, folder: Path) -> tuple[Samples, list[dict[str, Any]]]:
    """Return the samples of the population, and their rows with `level` and `day`."""
    import polars as pl

    from tilseq.steps.expression_samples import side_by_side

    tables = {need: pl.read_parquet(path) for need, path in needed(job, folder, COUNTS).items()}
    if job.unit == BULK:
        rows = [row | {"group": row["sample"]} for need, row in job.arguments["samples"].items() if need in tables]
    else:
        cell_type, statuses = POPULATIONS[job.unit]
        groups = [pl.read_parquet(path) for path in needed(job, folder, "pseudobulk_groups").values()]
        kept = pl.concat(groups).filter(pl.col("kept"), cell_type=cell_type)
        rows = [row | {"level": row["visit"]} for row in kept.iter_rows(named=True) if row["status"] in statuses]
    return side_by_side(rows, tables.values()), rows


def _gene_sets(job: Job) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return family → gene sets to test: those of the study's GMT file, or else the built-in axes and hallmark."""
    from tilseq.expression.signatures import as_signatures, gene_lists, load_hallmark, load_signatures
    from tilseq.io.gmt import read_gmt

    if job.arguments["gene_sets"]:
        return {"sets of the study": gene_lists(as_signatures(read_gmt(job.paths[-1])))}
    return {"axes": gene_lists(load_signatures()), "hallmark": gene_lists(load_hallmark())}


def _scores(samples: Samples, sets: Mapping[str, Sequence[str]], smallest: int) -> pl.DataFrame:
    """Return the ssGSEA scores of each sample, of log2 counts per million."""
    from tilseq.expression.normalise import log2_cpm
    from tilseq.expression.sample_scores import sample_scores
    from tilseq.tables.enrichment import SAMPLE_SCORES

    if samples.design.is_empty() or not samples.genes:
        return SAMPLE_SCORES.frame()
    values = log2_cpm(samples.counts)
    return sample_scores(values, samples.genes, samples.design["sample"].to_list(), sets, smallest=smallest).table


def _corrected(
    tables: Sequence[pl.DataFrame], families: Mapping[str, Mapping[str, Any]], population: str
) -> pl.DataFrame:
    """Return the tests of all contrasts, corrected together: every set of a family in every contrast, by one test."""
    import polars as pl

    from tilseq.expression.enrichment import one_family
    from tilseq.tables.enrichment import ENRICHMENT

    if not tables:
        return ENRICHMENT.frame()
    found = [ENRICHMENT.frame()]
    for (method,), own in pl.concat(tables).group_by("method", maintain_order=True):
        named = {
            one: f"{family} × contrasts of {population}, {method}" for family, of in families.items() for one in of
        }
        found.append(one_family([own], named))
    return pl.concat(found)


def _asked(job: Job, rows: list[dict[str, Any]]) -> list[str]:
    """Return the contrasts to make: those of study.yaml, or else of every level, or of labels within each level."""
    statuses = (None,) if job.unit == BULK else POPULATIONS[job.unit][1]
    if len(statuses) == 2:
        return [f"status:{INFUSED}/{NOT_SEEN}{AT}{level}" for level in levels_with_both(rows)]
    return job.arguments["contrasts"] or over_visits(rows, job.arguments["lymphodepletion"])


def compare(samples: Samples, contrast: str, sets: Mapping[str, Sequence[str]], *, smallest: int) -> Compared:
    """Return what one contrast gives, gene by gene and set by set.

    Parameters
    ----------
    samples
        All samples of the population.
    contrast
        As `tilseq.expression.parse_contrast` reads it; behind `` at `` a level to make it at.
    sets
        Gene sets.
    smallest
        Fewest genes of a set that is tested.
    """
    from tilseq.errors import AnalysisError

    text, _, level = contrast.partition(AT)
    own = samples.at(level) if level else samples
    try:
        return _compared(own, contrast, text, sets, smallest)
    except AnalysisError as error:  # one contrast that cannot be made does not stop the others
        return Compared({"contrast": contrast, "told": str(error)})


def _compared(samples: Samples, contrast: str, text: str, sets: Mapping[str, Sequence[str]], smallest: int) -> Compared:
    import polars as pl

    from tilseq.expression.differential import differential_expression
    from tilseq.expression.gsea import gsea

    named = pl.lit(contrast).alias("contrast")
    of_genes = differential_expression(samples.counts, samples.genes, samples.design, text)
    given = (samples.counts, samples.genes, samples.design["sample"].to_list(), samples.design, text, sets)
    of_sets = gsea(*given, seed=SEED, smallest=smallest)
    tables = [of_sets.table]
    floor = of_sets.table["p_floor"].drop_nulls()
    if floor.len() and floor[0] > ALPHA:  # so few subjects that flips cannot tell
        tables.append(gsea(*given, method="camera", smallest=smallest).table)
    model, changed = of_genes.models.row(0, named=True), of_genes.table.filter(pl.col("q") < ALPHA)
    subjects = of_sets.left_out.filter(what="subject")
    row = {
        "contrast": contrast,
        "subjects": of_sets.table["subjects"].max(),
        "left_out": "; ".join(f"{name}: {why}" for name, why in subjects.select("name", "reason").iter_rows()) or None,
        "genes": of_genes.table.height,
        "genes_up": changed.filter(pl.col("log2_fold_change") > 0).height,
        "genes_down": changed.filter(pl.col("log2_fold_change") < 0).height,
        "engine": model["engine"],
    }
    return Compared(row, of_genes.table.with_columns(named), pl.concat(tables).with_columns(named))


def _sets_changed(enrichment: pl.DataFrame, contrast: str) -> dict[str, Any]:
    """Return how many sets of a contrast were tested within subjects, and how many are up and down."""
    import polars as pl

    own = enrichment.filter(pl.col("contrast") == contrast, pl.col("p").is_not_null(), method="sign_flip")
    if own.is_empty():
        return {}
    changed = own.filter(pl.col("q") < ALPHA)
    return {
        "sets": own.height,
        "sets_up": changed.filter(direction="up").height,
        "sets_down": changed.filter(direction="down").height,
        "p_floor": own["p_floor"].max(),
    }
