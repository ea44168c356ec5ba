"""Chains of single cells: which pair they make, and which cells are doublets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import polars as pl

from tilseq.errors import AnalysisError, TableError
from tilseq.receptors import CLONE, VDJ_LOCI, VJ_LOCI
from tilseq.repertoire.clones import check_columns, nucleotides
from tilseq.tables import as_polars, conform
from tilseq.tables.repertoire import CELLS

NEEDED = ("cell_id", "locus", "junction", "junction_aa")
SHOWN = ("locus", "v_call", "j_call", "junction", "junction_aa", "umi_count")
PLACES = ("vj_1", "vj_2", "vdj_1", "vdj_2")
LEAST_OVERLAP = 0.5
# Of a cell: its contigs, those of each arm, and junctions among these, of TRA and of TRB.
COUNTED = ("chains", "vj", "vdj", "vj_apart", "vdj_apart", "alphas", "betas")


def chain_pairing(contigs: Any, *, sample: str, cells: Iterable[str] = ()) -> pl.DataFrame:
    """Return the receptor of each cell by scirpy's model (Sturm and others, Bioinformatics 2020;36:4817).

    Chains are of two arms: VJ (TRA, TRG, IGK, IGL) and VDJ (TRB, TRD, IGH). Of each the two with the most UMIs are the
    cell's, of equals that with more reads, then the later junction (then locus, then genes) in the alphabet.

    Parameters
    ----------
    contigs
        polars or pandas, one row a functional chain, as `tilseq.io.contigs.read_contigs` gives them: `cell_id, locus,
        junction, junction_aa`; where there are, `v_call, j_call, umi_count, consensus_count`.
    sample
        Sample identifier.
    cells
        All cells there are; those without a chain are `no IR`.

    Returns
    -------
    polars.DataFrame
        The table `cells`, a row a cell:

        - `receptor_type`: `TCR`, `BCR`, `ambiguous` (both), `multichain`, `no IR`.
        - `receptor_subtype`: `TRA+TRB, TRG+TRD, IGH, IGH+IGK, IGH+IGL, IGH+IGK/L, ambiguous, multichain, no IR`; a
          single chain bears the name of its pair.
        - `chain_pairing`: `single pair`, `orphan VJ`, `orphan VDJ`, `extra VJ`, `extra VDJ`, `two full chains`,
          `ambiguous`, `multichain` (more than two chains of an arm), `no IR`.
        - `dual_alpha`: two TRA and a TRB, as one T cell in ten has.
        - `doublet`: `likely` for more than two chains of an arm and for TCR with BCR; `possible` for two VDJ chains,
          with a VJ chain or without, and any other `ambiguous`, for a second heavy or beta chain is rare in one cell;
          else null. It is a flag: no cell is left out. For it and `dual_alpha` contigs of one locus and junction are
          one chain, as they say nothing of a second cell; scirpy counts each.
        - `chains`; and of `vj_1, vj_2, vdj_1, vdj_2` the `locus, v_call, j_call, junction, junction_aa, umi_count`.

    Raises
    ------
    TableError
        A column is absent, a cell has no name, or a locus is none.
    """
    frame = _chains(contigs)
    found = pl.DataFrame({"cell_id": sorted({*frame["cell_id"], *cells})}, schema={"cell_id": pl.String()})
    of_vj, of_vdj = (pl.col("locus").is_in(loci) for loci in (VJ_LOCI, VDJ_LOCI))
    junction = pl.struct(CLONE)
    numbers = frame.group_by("cell_id").agg(
        chains=pl.len(),
        vj=of_vj.sum(),
        vdj=of_vdj.sum(),
        vj_apart=junction.filter(of_vj).n_unique(),
        vdj_apart=junction.filter(of_vdj).n_unique(),
        alphas=junction.filter(pl.col("locus") == "TRA").n_unique(),
        betas=junction.filter(pl.col("locus") == "TRB").n_unique(),
    )
    found = found.join(numbers, on="cell_id", how="left").with_columns(pl.col(COUNTED).fill_null(0))
    for arm, loci in (("vj", VJ_LOCI), ("vdj", VDJ_LOCI)):
        ranked = frame.filter(pl.col("locus").is_in(loci)).with_columns(place=pl.int_range(pl.len()).over("cell_id"))
        for place in (1, 2):
            of_place = ranked.filter(pl.col("place") == place - 1)
            chain = of_place.select("cell_id", *(pl.col(name).alias(f"{arm}_{place}_{name}") for name in SHOWN))
            found = found.join(chain, on="cell_id", how="left")
    return conform(_called(found).drop(COUNTED[1:]).with_columns(sample=pl.lit(sample)), CELLS)


def joined_lanes(lanes: Mapping[str, Any]) -> pl.DataFrame:
    """Return the contigs of several lanes or samples in one table, each cell named `sample:barcode`.

    Lanes draw from one list of barcodes, so that the same barcode in two of them is two cells.

    Parameters
    ----------
    lanes
        Sample → table of its contigs, polars or pandas, with `cell_id`.

    Returns
    -------
    polars.DataFrame
        Their rows, one lane after the other; no column without a lane.

    Raises
    ------
    TableError
        A lane is no table.
    """
    frames = [
        as_polars(table).with_columns(cell_id=pl.lit(f"{sample}:") + pl.col("cell_id"))
        for sample, table in lanes.items()
    ]
    return pl.concat(frames) if frames else pl.DataFrame()


def check_overlap(receptor: Collection[str], expression: Collection[str], *, least: float = LEAST_OVERLAP) -> float:
    """Return the overlap of the cells of two libraries that are said to be of the same cells.

    It is the share of the smaller set that stands in the larger: expression has cells without receptors, and either may
    have been filtered.

    Parameters
    ----------
    receptor, expression
        Barcodes of the cells of either, as they are written; each counts once.
    least
        Overlap, 0 to 1, below which they are not taken for the same cells.

    Returns
    -------
    float
        Share of the smaller set, 0 to 1.

    Raises
    ------
    AnalysisError
        The overlap is below ``least``, or one has no cell: the libraries are not of the same cells, or their barcodes
        are written differently.
    """
    ours, theirs = set(receptor), set(expression)
    overlap = _overlap(ours, theirs)
    if overlap >= least:
        return overlap
    bare = _overlap({_bare(cell) for cell in ours}, {_bare(cell) for cell in theirs})
    spelling = "the barcodes agree but for what stands around them, such as a lane's -1: write them alike"
    raise AnalysisError(
        "the cells of receptors and of expression are not the same",
        found=f"{len(ours & theirs)} of {len(ours)} barcodes with a receptor are among the {len(theirs)} of expression "
        f"(overlap {100 * overlap:.1f} %)",
        expected=f"an overlap of at least {100 * least:g} % of the smaller",
        mend=spelling if bare >= least else "are both of one library?",
    )


def _overlap(one: set[str], other: set[str]) -> float:
    fewest = min(len(one), len(other))
    return len(one & other) / fewest if fewest else 0.0


def _bare(cell: str) -> str:
    """Return the longest run of bases in a cell's name, which is its barcode."""
    runs = "".join(letter if letter in "ACGT" else " " for letter in cell).split()
    return max(runs, key=len, default=cell)


def _chains(contigs: Any) -> pl.DataFrame:
    """Return the chains, those of a cell in the order of their rank."""
    frame = as_polars(contigs)
    check_columns(frame, NEEDED, "a table of contigs")
    if frame["cell_id"].null_count():
        raise TableError("a chain has no cell", column="cell_id")
    strange = frame.filter(~pl.col("locus").is_in([*VJ_LOCI, *VDJ_LOCI]).fill_null(False))
    if strange.height:
        expected = ", ".join([*VJ_LOCI, *VDJ_LOCI])
        raise TableError("no such locus", column="locus", found=strange["locus"][0], expected=expected)
    frame = frame.with_columns(nucleotides(frame["junction"]))
    kinds = {"v_call": pl.String, "j_call": pl.String, "umi_count": pl.Int64, "consensus_count": pl.Int64}
    frame = frame.with_columns(pl.lit(None, kind).alias(n) for n, kind in kinds.items() if n not in frame.columns)
    ties = ["junction", "junction_aa", "locus", "v_call", "j_call"]
    first = [pl.col("umi_count", "consensus_count").fill_null(0), pl.col(ties).fill_null("")]
    return frame.sort(*first, descending=True, maintain_order=True)


def _called(cells: pl.DataFrame) -> pl.DataFrame:
    """Add type, subtype, pairing and flags."""
    places = [pl.col(f"{place}_locus") for place in PLACES]

    def has(*loci: str) -> pl.Expr:
        return pl.any_horizontal(place.is_in(loci).fill_null(False) for place in places)

    tr, ig = has("TRA", "TRB", "TRG", "TRD"), has("IGH", "IGK", "IGL")
    some, many = pl.col("chains") > 0, (pl.col("vj") > 2) | (pl.col("vdj") > 2)
    kind = pl.when(~some).then(pl.lit("no IR")).when(many).then(pl.lit("multichain"))
    receptor_type = kind.when(tr & ~ig).then(pl.lit("TCR")).when(ig & ~tr).then(pl.lit("BCR"))
    ab, gd = has("TRA", "TRB"), has("TRG", "TRD")
    igh, igk, igl = has("IGH"), has("IGK"), has("IGL")
    subtypes = {
        "TRA+TRB": ab & ~gd & ~ig,
        "TRG+TRD": gd & ~ab & ~ig,
        "IGH+IGK/L": igh & igk & igl & ~tr,
        "IGH+IGK": igk & ~igl & ~tr,
        "IGH+IGL": igl & ~igk & ~tr,
        "IGH": igh & ~igk & ~igl & ~tr,
    }
    subtype = kind
    for name, holds in subtypes.items():
        subtype = subtype.when(holds).then(pl.lit(name))
    cells = cells.with_columns(
        receptor_type=receptor_type.otherwise(pl.lit("ambiguous")),
        receptor_subtype=subtype.otherwise(pl.lit("ambiguous")),
    )
    vj, vdj = pl.min_horizontal("vj", 2), pl.min_horizontal("vdj", 2)
    names = {
        (1, 0): "orphan VJ",
        (2, 0): "orphan VJ",
        (0, 1): "orphan VDJ",
        (0, 2): "orphan VDJ",
        (1, 1): "single pair",
        (2, 1): "extra VJ",
        (1, 2): "extra VDJ",
        (2, 2): "two full chains",
    }
    pairing = kind.when(pl.col("receptor_subtype") == "ambiguous").then(pl.lit("ambiguous"))
    for (of_vj, of_vdj), name in names.items():
        pairing = pairing.when((vj == of_vj) & (vdj == of_vdj)).then(pl.lit(name))
    cells = cells.with_columns(chain_pairing=pairing)
    # Of all chains, not of the contigs that `chain_pairing` counts: a repeated contig is no second chain.
    dual = (pl.col("alphas") == 2) & (pl.col("vj_apart") == 2) & (pl.col("betas") == 1) & (pl.col("vdj_apart") == 1)
    likely = (tr & ig) | (pl.col("vj_apart") > 2) | (pl.col("vdj_apart") > 2)
    possible = (pl.col("vdj_apart") > 1) | (pl.col("chain_pairing") == "ambiguous")
    return cells.with_columns(
        dual_alpha=dual,
        doublet=pl.when(likely).then(pl.lit("likely")).when(possible).then(pl.lit("possible")),
    )
