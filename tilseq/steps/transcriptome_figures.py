"""The figures of a population's transcriptome."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps.figures import save_figures

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

FEWEST_PAIRS = 3  # samples with cells of both labels, below which they are not drawn
MOST_SETS = 40  # that a figure holds; those of least p
FLIPS = "sign_flip"
HALLMARK = "hallmark ×"  # family of built-in sets that repeat the axes; they stand in the table


def draw_transcriptome(
    contrasts: Sequence[str],
    genes: pl.DataFrame,
    sets: pl.DataFrame,
    scores: pl.DataFrame,
    design: pl.DataFrame,
    folder: Path,
) -> None:
    """Draw the sets over all contrasts, the genes of the contrast that changed most, and scores over visits or labels.

    Parameters
    ----------
    contrasts
        In the order to draw them.
    genes, sets, scores
        The tables `differential`, `enrichment` and `sample_scores` of the population.
    design
        One row a sample: `sample, subject, visit, day, status`.
    folder
        Where to write.
    """
    import polars as pl

    drawn: dict[str, tuple[Axes, str]] = {}
    tested = sets.filter(pl.col("q").is_not_null(), ~pl.col("family").str.starts_with(HALLMARK), method=FLIPS)
    if tested.height:
        drawn["1-sets"] = _dots(tested, contrasts)
    if genes.drop_nulls("p").height:
        drawn["2-genes"] = _volcano(genes)
    known = scores.drop_nulls("value")
    if known.height:
        paired = design.filter(pl.len().over("subject", "visit") > 1)  # samples with cells of both labels
        if design["status"].n_unique() < 2:
            drawn["3-scores"] = _over_visits(known, design, tested)
        elif paired.height >= 2 * FEWEST_PAIRS:
            drawn["3-scores"] = _by_label(known, paired, tested)
    save_figures(drawn, folder)


def _least_p(tested: pl.DataFrame) -> tuple[list[str], str]:
    """Return the sets of least p in any contrast, by name, as many as a figure holds; and what its reader must know."""
    import polars as pl

    least = tested.group_by("set").agg(pl.col("p").min(), pl.col("nes").abs().max())
    sets = least.sort("p", -pl.col("nes"), "set").head(MOST_SETS)["set"].sort().to_list()
    return (
        sets,
        f" Drawn are the {MOST_SETS} of {least.height} sets with the least p." if least.height > MOST_SETS else "",
    )


def _dots(tested: pl.DataFrame, contrasts: Sequence[str]) -> tuple[Axes, str]:
    import polars as pl

    from tilseq.plots.enrichment import enrichment_dots

    sets, told = _least_p(tested)
    chosen = tested.filter(pl.col("set").is_in(sets))
    return (
        enrichment_dots(chosen, contrasts=[name for name in contrasts if name in set(chosen["contrast"])]),
        "gene sets in each comparison by normalised enrichment score (NES), tested by flipping the signs of subjects: "
        "orange is up, blue down, a star q below 0.05. A dot with a hole cannot reach p of 0.05 with so few subjects, "
        f"whatever its colour.{told}",
    )


def _volcano(genes: pl.DataFrame) -> tuple[Axes, str]:
    import polars as pl

    from tilseq.plots.differential import volcano

    changed = genes.group_by("contrast", maintain_order=True).agg((pl.col("q") < 0.05).sum())
    contrast, most = changed.sort("q", descending=True, maintain_order=True).row(0)
    which = "the comparison in which most changed" if most else "in which, as in all other comparisons, none changed"
    return (
        volcano(genes, contrast=contrast),
        f"genes of {contrast}, {which}; the others are in tables/differential.csv.",
    )


def _over_visits(scores: pl.DataFrame, design: pl.DataFrame, tested: pl.DataFrame) -> tuple[Axes, str]:
    from tilseq.plots.expression import subject_heatmap

    product = _common_product(design)
    sets, told = _least_p(tested) if tested.height else (scores["set"].unique().sort().to_list()[:MOST_SETS], "")
    return (
        subject_heatmap(scores, design, sets=sets, method="ssgsea", reference=product),
        "scores of gene sets (ssGSEA, not scaled) in each subject over its visits, "
        + ("less that of its product. " if product else "to be compared within a row. ")
        + f"Hatched: no sample, or too few cells of it{', there or in the product' if product else ''}.{told}",
    )


def _common_product(design: pl.DataFrame) -> str | None:
    """Return the level of the product that most subjects have beside another one; None where no subject has."""
    import polars as pl

    from tilseq.steps.expression_levels import PRODUCT

    several = design.filter(pl.len().over("subject") > 1, specimen=PRODUCT)
    levels = several.group_by("visit").len().sort("len", "visit", descending=[True, False])["visit"]
    return levels[0] if levels.len() else None


def _by_label(scores: pl.DataFrame, design: pl.DataFrame, tested: pl.DataFrame) -> tuple[Axes, str]:
    import polars as pl

    from tilseq.plots.paired import infused_scatter

    least = tested.sort("p", pl.col("nes").abs(), "set", descending=[False, True, False])["set"].to_list()
    name = least[0] if least else scores["set"].sort()[0]
    chosen = f" It is drawn for its p, the least of {len(set(least))} sets." if least else ""
    return (
        infused_scatter(scores, design, gene_set=name, method="ssgsea"),
        f"{name} (ssGSEA) of the cells of infused clones against those not seen in the product, sample by sample. Not "
        f"seen is not endogenous: it depends on the product's depth.{chosen}",
    )
