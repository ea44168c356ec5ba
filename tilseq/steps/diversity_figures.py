"""The figures of how diverse a subject's samples are: libraries, and samples whose cells were counted, apart."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tilseq.steps.figures import save_figures

if TYPE_CHECKING:
    import polars as pl
    from matplotlib.axes import Axes

DRAWN = ("IGH", "TRB", "TRD")  # the chains whose junctions tell clones apart; others are drawn where there are none
KINDS = {False: "", True: " cells"}
OF_KIND = {False: "sequenced libraries", True: "samples of single cells"}


def draw_diversity(
    profiles: pl.DataFrame, curves: pl.DataFrame, clones: Mapping[str, pl.DataFrame], cells: pl.DataFrame, folder: Path
) -> None:
    """Draw Hill profiles, sizes of clones by rank, and rarefaction of each locus worth it.

    The hundred cells of the one kind of sample beside the thousands of the other would compare depths alone.

    Parameters
    ----------
    profiles, curves
        The tables `hill_profile` and `rarefaction`.
    clones
        Sample → clonotype table.
    cells
        The table `depth` of the same samples.
    folder
        Where to write.
    """
    import polars as pl

    drawn: dict[str, tuple[Axes, str]] = {}
    counted = pl.col("cells_from") == "counted"
    for of_cells in KINDS:
        own = cells.filter(counted == of_cells).select("sample", "locus")
        shown, lines = (
            frame.join(own, on=["sample", "locus"], how="semi", maintain_order="left") for frame in (profiles, curves)
        )
        loci = shown["locus"].unique().sort().to_list()
        for locus in [locus for locus in loci if locus in DRAWN] or loci:
            names = set(own.filter(locus=locus)["sample"])
            ranked = {name: table for name, table in clones.items() if name in names}
            drawn |= _of_locus(shown, lines.filter(locus=locus), ranked, locus, of_cells)
    save_figures(drawn, folder)


def _of_locus(
    profiles: pl.DataFrame, curves: pl.DataFrame, clones: Mapping[str, pl.DataFrame], locus: str, of_cells: bool
) -> dict[str, tuple[Axes, str]]:
    from tilseq.plots.diversity import hill_profiles, rank_abundance, rarefaction_curves

    name, kind = locus + KINDS[of_cells], f"{locus}, {OF_KIND[of_cells]}"
    drawn = {
        f"Hill profile {name}": (
            hill_profiles(profiles, locus=locus),
            f"{kind}: effective number of clones by how little rare clones count, each sample at its own depth; bands, "
            "where there are any, are 95 % limits. Where lines cross, neither repertoire is the more diverse.",
        ),
        f"ranks {name}": (
            rank_abundance(clones, locus=locus),
            f"{kind}: share of each clone, the largest first. A steep line is a repertoire of few large clones.",
        ),
    }
    if curves.height:
        extrapolated = (curves.filter(locus=locus)["method"] == "extrapolated").any()
        beyond = ", and dashed what up to twice as many would" if extrapolated else ""
        drawn[f"rarefaction {name}"] = (
            rarefaction_curves(curves, locus=locus),
            f"{kind}: clones that fewer cells would have shown{beyond}; the point is the sample "
            "itself. Compare samples at one number of cells.",
        )
    return drawn
