"""The transcriptome within subjects: one job a population of samples, over all subjects."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tilseq.steps import bulk_rna, pseudobulk
from tilseq.steps.bulk_rna import COUNTS
from tilseq.steps.expression_levels import levels_with_both, over_visits, with_levels
from tilseq.steps.job import Job, read_needed
from tilseq.steps.later_lots import lots_to_come, told_of_sums
from tilseq.tables.cell_labels import INFUSED, NOT_SEEN

if TYPE_CHECKING:
    import polars as pl

    from tilseq.expression.contrasts import Contrast
    from tilseq.steps.expression_samples import Samples
    from tilseq.study import Study

STEP = "transcriptome"
BULK = "bulk RNA"
ALPHA = 0.05
HANDLED = ("run", "batch")  # columns of samples.csv that tell which samples were handled together
SEED = 1  # of random sign flips, which more than 12 subjects take
# Population of summed cells → their type, and the statuses of their groups; two are compared within each level.
POPULATIONS: Mapping[str, tuple[str, tuple[str | None, ...]]] = {
    "CD4 T cells": ("CD4", (None,)),
    "CD8 T cells": ("CD8", (None,)),
    "infused CD4 T cells": ("CD4", (INFUSED,)),
    "infused CD8 T cells": ("CD8", (INFUSED,)),
    "CD4 T cells by label": ("CD4", (INFUSED, NOT_SEEN)),
    "CD8 T cells by label": ("CD8", (INFUSED, NOT_SEEN)),
}


class Asked(NamedTuple):
    """A contrast, and the level that it is made at; None where it is of all samples."""

    text: str
    level: str | None = None

    def __str__(self) -> str:
        return self.text if self.level is None else f"{self.text} at {self.level}"


class Compared(NamedTuple):
    """What one contrast gave: its row of `transcriptome`, and rows of `differential` and `enrichment`, if any."""

    row: dict[str, Any]
    genes: pl.DataFrame | None = None
    sets: pl.DataFrame | None = None


def plan(study: Study) -> list[Job]:
    """Return one job for bulk RNA and one for each population of cells, where two subjects or more have them."""
    from tilseq.expression.set_members import SMALLEST
    from tilseq.expression.signatures import SMALLEST_BUILT_IN

    settings = study.settings.analysis.expression
    arguments: dict[str, Any] = {
        "contrasts": list(settings.contrasts),
        "gene_sets": settings.gene_sets is not None,
        "smallest_set": settings.smallest_set or (SMALLEST_BUILT_IN if settings.gene_sets is None else SMALLEST),
        "lymphodepletion": dict(study.subjects.select("subject", "lymphodepletion_day").iter_rows()),
    }
    paths = () if settings.gene_sets is None else (str(study.root / settings.gene_sets),)
    bulk, cells = bulk_rna.plan(study), pseudobulk.plan(study)
    arguments["handled"] = {
        row["sample"]: {name: row[name] for name in HANDLED if row[name] is not None}
        for assay in ("bulk_rna", "scrna")
        for row in study.available(assay)
    }
    arguments["lots_to_come"] = lots_to_come(study, "bulk_rna") | lots_to_come(study, "scrna")
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

    groups = _groups(job, folder)
    samples, rows = _samples(job, folder, groups)
    families, of_sets = _gene_sets(job, samples.genes)
    sets = {name: genes for of in families.values() for name, genes in of.items()}
    asked = _asked(job, rows)
    found = [compare(samples, contrast, sets, smallest=job.arguments["smallest_set"]) for contrast in asked]
    enrichment = _corrected([one.sets for one in found if one.sets is not None], families, job.unit)
    scores = _scores(samples, sets, job.arguments["smallest_set"])
    genes = pl.concat([DIFFERENTIAL.frame(), *(one.genes for one in found if one.genes is not None)])
    told = [one.row | {"population": job.unit} | _sets_changed(enrichment, one.row["contrast"]) for one in found]
    handled = _handled(job, rows)
    for row, one in zip(told, asked, strict=True):
        said = [*of_sets, row["told"], *_told_of_handling(handled, one), *_told_of_lots(job, rows, one)]
        row["told"] = "; ".join(filter(None, said)) or None
        row["left_out"] = _left_out(row.get("left_out"), _of_few_cells(groups, one))
    population = pl.lit(job.unit).alias("population")
    write_parquet(told, TRANSCRIPTOME, folder)
    write_parquet(genes.with_columns(population), DIFFERENTIAL, folder)
    write_parquet(enrichment.with_columns(population), ENRICHMENT, folder)
    write_parquet(scores.with_columns(population), SAMPLE_SCORES, folder)
    draw_transcriptome([str(one) for one in asked], genes, enrichment, scores, samples.design, folder / "figures")


def _groups(job: Job, folder: Path) -> pl.DataFrame:
    """Return the groups of cells of the population, those left out too; of bulk RNA there are none.

    A sample without a cell of the population, of which others are there, has a group of none.
    """
    import polars as pl

    from tilseq.tables.differential import PSEUDOBULK_GROUPS

    if job.unit == BULK:
        return PSEUDOBULK_GROUPS.frame()
    cell_type, statuses = POPULATIONS[job.unit]
    groups = [*read_needed(job, folder, PSEUDOBULK_GROUPS.name).values()]
    every = pl.concat([PSEUDOBULK_GROUPS.frame(), *groups])
    every = every.filter(pl.col("status").is_null() == (None in statuses))
    own = every.filter(pl.col("status").is_in(statuses, nulls_equal=True), cell_type=cell_type)
    wanted = pl.DataFrame({"status": statuses}, schema={"status": pl.String})
    place = ["subject", "visit", "status"]
    none = (
        every.select("subject", "visit")
        .unique()
        .join(wanted, how="cross")
        .join(own, on=place, how="anti", nulls_equal=True)
    )
    return pl.concat([own, none.with_columns(kept=False)], how="diagonal")


def _contrast(asked: Asked) -> Contrast | None:
    """Return what is asked; None where it cannot be read, which its test tells."""
    from tilseq.errors import AnalysisError
    from tilseq.expression.contrasts import parse_contrast

    try:
        return parse_contrast(asked.text)
    except AnalysisError:
        return None


def _of_few_cells(groups: pl.DataFrame, asked: Asked) -> pl.DataFrame:
    """Return the groups of too few cells that a contrast looks at: `subject, levels, any`, whether it has another."""
    import polars as pl

    own = groups if asked.level is None else groups.filter(visit=asked.level)
    contrast = _contrast(asked)
    if contrast is None or not {*contrast.factors} <= {*own.columns}:
        return pl.DataFrame(schema={"subject": pl.String, "levels": pl.String, "any": pl.Boolean})
    in_it = [levels in contrast.signs for levels in own.select(contrast.factors).iter_rows()]
    own = own.filter(pl.Series(in_it, dtype=pl.Boolean), pl.col("subject").is_not_null())
    levels = pl.concat_str(contrast.factors, separator=" ").alias("levels")
    own = own.select("subject", levels, "kept", pl.col("kept").any().over("subject").alias("any"))
    return own.filter(~pl.col("kept")).drop("kept").sort("subject", "levels")


def _left_out(told: str | None, few: pl.DataFrame) -> str | None:
    """Return which subjects are left out: one of too few cells has a sample, and is not to be told as one without.

    A subject with too few cells in each of its levels is in no test, so that none has told of it.
    """
    known = {
        f"{name}: no sample of {levels}": f"{name}: too few cells of {levels}" for name, levels, _ in few.iter_rows()
    }
    lost = few.filter(~few["any"])["subject"].unique(maintain_order=True)
    one_by_one = [known.get(one, one) for one in (told or "").split("; ") if one]
    return "; ".join([*one_by_one, *(f"{subject}: too few cells of any level" for subject in lost)]) or None


def _samples(job: Job, folder: Path, groups: pl.DataFrame) -> tuple[Samples, list[dict[str, Any]]]:
    """Return the samples of the population, and their rows with `level` and `day`."""
    from tilseq.steps.expression_samples import side_by_side

    tables = read_needed(job, folder, COUNTS)
    if job.unit == BULK:
        rows = [row | {"group": row["sample"]} for need, row in job.arguments["samples"].items() if need in tables]
    else:
        rows = [row | {"level": row["visit"]} for row in groups.filter("kept").iter_rows(named=True)]
    return side_by_side(rows, tables.values()), rows


def _handled(job: Job, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the samples as they are compared, with the run and batch of each; null where it is of several or none."""
    import polars as pl

    libraries: dict[tuple[str | None, ...], list[str]] = {}
    for row in rows:
        names = (row.get("samples") or row.get("sample") or "").split(";")
        libraries.setdefault((row["subject"], row["level"], row.get("status")), []).extend(names)
    known = job.arguments.get("handled", {})
    found = []
    for key, names in libraries.items():
        values = {column: {known.get(name, {}).get(column) for name in names} for column in HANDLED}
        one = {column: next(iter(of)) if len(of) == 1 else None for column, of in values.items()}
        found.append(dict(zip(("subject", "visit", "status"), key, strict=True)) | one)
    return pl.DataFrame(found, schema=dict.fromkeys(("subject", "visit", "status", *HANDLED), pl.String))


def _told_of_handling(handled: pl.DataFrame, asked: Asked) -> tuple[str, ...]:
    """Return what is to be said of runs and batches that cannot be told from a contrast."""
    from tilseq.errors import AnalysisError
    from tilseq.expression.confounding import told_of_handling

    own = handled if asked.level is None else handled.filter(visit=asked.level)
    contrast = _contrast(asked)
    try:
        return told_of_handling(own, contrast) if contrast and {*contrast.factors} <= {*own.columns} else ()
    except AnalysisError:  # a contrast that cannot be made is told already
        return ()


def _told_of_lots(job: Job, rows: Sequence[Mapping[str, Any]], asked: Asked) -> tuple[str, ...]:
    """Return what is to be said of lots of the product that came after what is held against them."""
    own = [row for row in rows if asked.level in (None, row["level"])]
    contrast = _contrast(asked)
    return told_of_sums(own, job.arguments.get("lots_to_come", {}), contrast) if contrast else ()


def _gene_sets(job: Job, genes: Sequence[str]) -> tuple[dict[str, dict[str, tuple[str, ...]]], tuple[str, ...]]:
    """Return family → gene sets to test, those of the study's GMT file or else the built-in ones, and what to tell.

    `genes` are those of the data.
    """
    from tilseq.expression.signatures import as_signatures, built_in_sets, gene_lists
    from tilseq.gene_symbols import told_of_renamed, told_of_unfound
    from tilseq.io.gmt import read_gmt

    if job.arguments["gene_sets"]:
        given = read_gmt(job.paths[-1])
        sets = gene_lists(as_signatures(given))
        told = (*given.told_beside(genes), *told_of_unfound(genes, sets), *told_of_renamed(sets))
        return {"sets of the study": sets}, told
    return built_in_sets(), ()


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
    """Return the tests of all contrasts, corrected together: every set of a family in every contrast, by one test.

    Contrasts of so few subjects that no set can reach 0.05 are a family of their own: they would dilute the others.
    """
    import polars as pl

    from tilseq.expression.enrichment import one_family
    from tilseq.tables.enrichment import ENRICHMENT

    if not tables:
        return ENRICHMENT.frame()
    found = [ENRICHMENT.frame()]
    beyond = (pl.col("p_floor") > ALPHA).fill_null(False).alias("beyond")
    for (method, few), own in pl.concat(tables).group_by("method", beyond, maintain_order=True):
        whose = f"contrasts of {population}, {method}" + (", too few subjects" if few else "")
        named = {name: f"{family} × {whose}" for family, sets in families.items() for name in sets}
        found.append(one_family([own.select(ENRICHMENT.names)], named))
    return pl.concat(found)


def _asked(job: Job, rows: list[dict[str, Any]]) -> list[Asked]:
    """Return the contrasts to make: those of study.yaml, or else of every level, or of labels within each level.

    Those of labels, `status`, are made where labels are compared, each level by itself unless they are interactions.
    """
    given = list(dict.fromkeys(re.sub(r"\s*([:/*])\s*", r"\1", one.strip()) for one in job.arguments["contrasts"]))
    by_label = job.unit != BULK and len(POPULATIONS[job.unit][1]) > 1
    if not by_label and not given:
        return [Asked(one) for one in over_visits(rows, job.arguments["lymphodepletion"])]
    if not by_label:
        return [Asked(one) for one in given if "status:" not in one]
    of_labels = [one for one in given if "status:" in one] if given else [f"status:{INFUSED}/{NOT_SEEN}"]
    levels = levels_with_both(rows)
    within = [Asked(one, level) for one in of_labels if "*" not in one for level in levels]
    return within + [Asked(one) for one in of_labels if "*" in one]


def compare(samples: Samples, asked: Asked, sets: Mapping[str, Sequence[str]], *, smallest: int) -> Compared:
    """Return what one contrast gives, gene by gene and set by set; of a part that cannot be made, why.

    Parameters
    ----------
    samples
        All samples of the population.
    asked
        The contrast.
    sets
        Gene sets.
    smallest
        Fewest genes of a set that is tested.
    """
    import polars as pl

    own = samples if asked.level is None else samples.at(asked.level)
    named = pl.lit(str(asked)).alias("contrast")
    row: dict[str, Any] = {"contrast": str(asked)}
    few = f"{samples.left_out} genes that some file lacks are left out; that of {samples.odd_one} lacks most of them"
    told = [few] if samples.left_out else []
    told += [f"without counts, left out: {', '.join(samples.empty)}"] if samples.empty else []
    told += [f"sums of libraries of several days: {', '.join(samples.of_days)}"] if samples.of_days else []
    genes = _part(told, _genes, own, asked.text, row)
    tested = _part(told, _sets, own, asked.text, row, sets, smallest)
    row["told"] = "; ".join(dict.fromkeys(told)) or None
    return Compared(row, *(None if one is None else one.with_columns(named) for one in (genes, tested)))


def _part(told: list[str], what: Callable[..., pl.DataFrame], *given: Any) -> pl.DataFrame | None:
    """Return what one test gives; one that cannot be made does not stop the other, and `told` says why."""
    from tilseq.errors import AnalysisError

    try:
        return what(*given)
    except AnalysisError as error:
        told.append(str(error))
        return None


def _genes(samples: Samples, text: str, row: dict[str, Any]) -> pl.DataFrame:
    """Return the table of genes, and put how many changed into the row."""
    import polars as pl

    from tilseq.expression.differential import differential_expression

    found = differential_expression(samples.counts, samples.genes, samples.design, text)
    model, changed = found.models.row(0, named=True), found.table.filter(pl.col("q") < ALPHA)
    row |= {
        "genes": found.table.height,
        "genes_up": changed.filter(pl.col("log2_fold_change") > 0).height,
        "genes_down": changed.filter(pl.col("log2_fold_change") < 0).height,
        "engine": model["engine"],
    }
    return found.table


def _sets(
    samples: Samples, text: str, row: dict[str, Any], sets: Mapping[str, Sequence[str]], smallest: int
) -> pl.DataFrame:
    """Return the table of gene sets, by CAMERA too where subjects are too few for flips, and put them into the row."""
    import polars as pl

    from tilseq.expression.gsea import gsea

    given = (samples.counts, samples.genes, samples.design["sample"].to_list(), samples.design, text, sets)
    found = gsea(*given, seed=SEED, smallest=smallest)
    tables = [found.table]
    floor = found.table["p_floor"].drop_nulls()
    if floor.len() and floor[0] > ALPHA:
        tables.append(gsea(*given, method="camera", smallest=smallest).table)
    out = [f"{name}: {why}" for name, why in found.left_out.filter(what="subject").select("name", "reason").iter_rows()]
    row |= {"subjects": found.table["subjects"].max(), "left_out": "; ".join(out) or None}
    return pl.concat(tables)


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
