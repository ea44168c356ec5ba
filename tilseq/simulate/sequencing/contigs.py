"""10x V(D)J contigs of single T cells: drop-out of a chain, doublets, second chains, ambient and unproductive contigs.

The constants were set so that chains per barcode and UMIs per chain are as in the public contigs of seven samples of
BorchLab/scRepertoire and, for unproductive contigs, of 10x's 3,000 PBMC in scverse/scirpy (MIT and BSD-3), unless they
are said to be round figures.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

# As Cell Ranger 3 writes filtered_contig_annotations.csv; a missing value is the word None.
CONTIG_COLUMNS = (
    *("barcode", "is_cell", "contig_id", "high_confidence", "length", "chain", "v_gene", "d_gene", "j_gene", "c_gene"),
    *("full_length", "productive", "cdr3", "cdr3_nt", "reads", "umis", "raw_clonotype_id", "raw_consensus_id"),
)
DOUBLETS_PER_1000 = 0.008  # share of barcodes with two cells, for each 1,000 cells captured (10x's user guide)
CHAINS = {"tra": "TRA", "tra2": "TRA", "trb": "TRB", "trb2": "TRB"}
UMIS = {"TRA": 4.4, "TRB": 11.0}  # mean of a chain in a cell, those that are missed included
CELL_LOG_SD = 0.4  # cells: all chains of a cell together
CHAIN_SHAPE = 4.0  # chains of a cell, apart from one another: gamma
ASSEMBLED = 0.65  # chance that one UMI suffices for a contig; each further one has the same
AMBIENT = 0.01  # UMIs of other cells' chains in a droplet; round figure
MOST_PER_CHAIN = 2  # productive contigs of a chain that Cell Ranger leaves to a barcode
UNPRODUCTIVE = {"TRA": 0.26, "TRB": 0.30}  # unproductive contigs of a cell
UNPRODUCTIVE_UMIS = {"TRA": 1.96, "TRB": 3.6}  # their mean UMIs, at least 1 each
NO_V = {"TRA": 0.12, "TRB": 0.71}  # share of them that begin behind the V gene
NO_JUNCTION = {"TRA": 0.52, "TRB": 0.10}  # share whose junction is out of frame; the rest have one that is in frame
NO_C = 0.005  # contigs without a constant gene
READS_PER_UMI = 1_000.0  # round figure; 250 to 3,500 in the public samples
READS_SHAPE, READS_LOG_SD = 3.0, 0.15  # reads of one UMI (gamma), and of the contigs over all
# Length of a contig beside its junction: shortest, median of what comes on top, standard deviation of its logarithm.
LENGTH = {"TRA": (410, 66, 0.75), "TRB": (425, 33, 1.0)}


def draw_doublets(rng: np.random.Generator, cells: pl.DataFrame) -> pl.DataFrame:
    """Put two cells into one droplet now and then, the more often the more cells there are.

    Parameters
    ----------
    rng
        Random stream.
    cells
        One row a captured cell, with `barcode`, none twice.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order; the second cell of a doublet, which stands below the first, has the barcode of
        the first. `doublet_of` is, in the row of the first, the number (from 0) of the row of the second, and null in
        all others.
    """
    number = min(rng.binomial(cells.height, min(DOUBLETS_PER_1000 * cells.height / 1000, 1)), cells.height // 2)
    pairs = np.sort(rng.permutation(cells.height)[: 2 * number].reshape(number, 2), axis=1)
    first, second = pairs[:, 0], pairs[:, 1]
    owner = np.arange(cells.height)
    owner[second] = first
    other = np.full(cells.height, -1)
    other[first] = second
    return cells.with_columns(
        cells["barcode"].gather(owner),
        doublet_of=pl.when(pl.Series(other) >= 0).then(pl.Series(other)),
    )


def true_clones(cells: pl.DataFrame) -> pl.DataFrame:
    """Return which clones each barcode holds.

    Parameters
    ----------
    cells
        As `draw_doublets` returns it, with `clone` (null where a cell is of none).

    Returns
    -------
    polars.DataFrame
        One row a barcode, in the order of the cells: `barcode`, `clone`, `second_clone` (of the second cell; null
        without one) and `doublet` (whether there are two cells).
    """
    clone = pl.col("clone")
    return cells.group_by("barcode", maintain_order=True).agg(
        clone.first(), second_clone=clone.get(1, null_on_oob=True), doublet=pl.len() > 1
    )


def draw_contigs(
    rng: np.random.Generator,
    cells: pl.DataFrame,
    *,
    efficiency: float = 1.0,
) -> pl.DataFrame:
    """Draw the contigs that Cell Ranger would report of captured cells.

    Parameters
    ----------
    rng
        Random stream.
    cells
        One row a cell, two with one barcode for a doublet: `barcode` and, for each of `tra`, `tra2`, `trb` and, if
        there are any, `trb2`: `..._v_call`, `..._j_call`, `..._junction`, `..._junction_aa`; null where a cell has no
        such chain.
    efficiency
        UMIs found beside what is usual of blood, 1; tumours have about 0.65.

    Returns
    -------
    polars.DataFrame
        `CONTIG_COLUMNS`, as in `filtered_contig_annotations.csv` of Cell Ranger 3, by barcode: truth values are the
        words True and False, and what is missing is None. `d_gene` is None throughout, as in the public files. A
        barcode of which no productive chain was found is not there. A clonotype is the set of productive chains that
        were found, not the true clone.
    """
    expressed = _expressed(rng, cells, efficiency)
    found = _assembled(rng, pl.concat([expressed, _ambient(rng, cells, expressed)]))
    contigs = pl.concat([found, _unproductive(rng, found, efficiency)])
    contigs = contigs.with_columns(pl.Series("order", rng.random(contigs.height)))
    contigs = contigs.sort("barcode", "productive", "order", descending=[False, True, False])
    return _annotated(rng, _with_clonotypes(contigs))


def _expressed(rng: np.random.Generator, cells: pl.DataFrame, efficiency: float) -> pl.DataFrame:
    """Return the chains of each cell with at least one UMI."""
    of_cell = rng.lognormal(-(CELL_LOG_SD**2) / 2, CELL_LOG_SD, cells.height) * efficiency
    parts = []
    for prefix, chain in CHAINS.items():
        if f"{prefix}_junction" not in cells.columns:
            continue
        mean = of_cell * rng.gamma(CHAIN_SHAPE, UMIS[chain] / CHAIN_SHAPE, cells.height)
        part = cells.select(
            "barcode",
            pl.lit(chain).alias("chain"),
            *(_gene(f"{prefix}_{gene}_call").alias(f"{gene}_gene") for gene in ("v", "j")),
            pl.col(f"{prefix}_junction").alias("cdr3_nt"),
            pl.col(f"{prefix}_junction_aa").alias("cdr3"),
            pl.Series("umis", rng.poisson(mean)),
        )
        parts.append(part.filter((pl.col("umis") > 0) & pl.col("cdr3_nt").is_not_null()))
    return pl.concat(parts)


def _gene(column: str) -> pl.Expr:
    return pl.col(column).str.replace(r"\*.*$", "")


def _ambient(rng: np.random.Generator, cells: pl.DataFrame, expressed: pl.DataFrame) -> pl.DataFrame:
    """Return single UMIs of chains that were free in the suspension, the more of a clone the larger it is."""
    barcodes = cells["barcode"].unique(maintain_order=True)
    number = rng.poisson(AMBIENT * len(barcodes)) if expressed.height else 0
    umis = np.cumsum(expressed["umis"].to_numpy())
    place = np.searchsorted(umis, rng.integers(0, max(1, umis[-1:].sum()), number), side="right")
    return expressed[place].with_columns(
        barcodes.gather(rng.integers(0, len(barcodes), number)).alias("barcode"), pl.lit(1, pl.Int64).alias("umis")
    )


def _assembled(rng: np.random.Generator, chains: pl.DataFrame) -> pl.DataFrame:
    """Return one contig a barcode and junction, of those with UMIs enough, the largest of each chain alone."""
    one = ["barcode", "chain", "cdr3_nt"]
    summed = chains.group_by(one, maintain_order=True).agg(
        pl.col("v_gene", "j_gene", "cdr3").first(), pl.col("umis").sum()
    )
    kept = rng.random(summed.height) < 1 - (1 - ASSEMBLED) ** summed["umis"].to_numpy()
    largest = summed.filter(pl.Series(kept)).sort(*one[:2], -pl.col("umis"), "cdr3_nt")
    return largest.group_by(one[:2], maintain_order=True).head(MOST_PER_CHAIN).with_columns(productive=pl.lit(True))


def _unproductive(rng: np.random.Generator, found: pl.DataFrame, efficiency: float) -> pl.DataFrame:
    """Return contigs of other rearrangements: without a V gene, without a junction in frame, or with a fault elsewhere.

    Their genes and, one codon shortened, their junctions are those of a productive contig drawn at random.
    """
    barcodes = found["barcode"].unique(maintain_order=True)
    parts = []
    for chain, mean in UNPRODUCTIVE.items():
        pool = found.filter(pl.col("chain") == chain)
        number = rng.poisson(mean * efficiency * len(barcodes)) if pool.height else 0
        kind = rng.random(number)
        no_v = pl.Series(kind < NO_V[chain], dtype=pl.Boolean)
        no_junction = pl.Series(kind < NO_V[chain] + NO_JUNCTION[chain], dtype=pl.Boolean)
        umis = 1 + rng.poisson(rng.gamma(CHAIN_SHAPE, (UNPRODUCTIVE_UMIS[chain] - 1) / CHAIN_SHAPE, number))
        drawn = pool[rng.integers(0, max(pool.height, 1), number)].with_columns(
            barcodes.gather(rng.integers(0, max(len(barcodes), 1), number)).alias("barcode"),
            pl.when(~no_v).then("v_gene").alias("v_gene"),
            pl.when(~no_junction).then(pl.col("cdr3_nt").str.slice(0, 12) + pl.col("cdr3_nt").str.slice(15)),
            pl.when(~no_junction).then(pl.col("cdr3").str.slice(0, 4) + pl.col("cdr3").str.slice(5)),
            pl.Series("umis", umis),
            pl.lit(False).alias("productive"),
        )
        parts.append(drawn)
    return pl.concat(parts)


def _with_clonotypes(contigs: pl.DataFrame) -> pl.DataFrame:
    """Add the clonotype, a set of productive chains, the largest first, and the chain's place in it, its consensus."""
    productive = contigs.filter("productive").sort("barcode", "chain", "cdr3_nt")
    productive = productive.with_columns(consensus=pl.int_range(1, pl.len() + 1).over("barcode"))
    chains = pl.concat_str("chain", "cdr3_nt", separator=":").str.join(";").alias("chains")
    barcodes = productive.group_by("barcode", maintain_order=True).agg(chains)
    ranked = (
        barcodes.group_by("chains")
        .len()
        .sort("len", "chains", descending=[True, False])
        .with_row_index("clonotype", offset=1)
    )
    barcodes = barcodes.join(ranked, on="chains", maintain_order="left").select("barcode", "clonotype")
    key = ["barcode", "chain", "cdr3_nt", "productive"]
    return contigs.join(barcodes, on="barcode", how="left", maintain_order="left").join(
        productive.select(*key, "consensus"), on=key, how="left", maintain_order="left"
    )


def _annotated(rng: np.random.Generator, contigs: pl.DataFrame) -> pl.DataFrame:
    """Return sorted contigs in the columns and words of Cell Ranger."""
    number, umis = contigs.height, contigs["umis"].to_numpy()
    spread = rng.lognormal(-(READS_LOG_SD**2) / 2, READS_LOG_SD, number)
    reads = 1 + rng.poisson(rng.gamma(umis * READS_SHAPE, READS_PER_UMI / READS_SHAPE) * spread)
    first_cluster = pl.col("j_gene").str.starts_with("TRBJ1")
    c_gene = (
        pl.when(chain="TRA").then(pl.lit("TRAC")).when(first_cluster).then(pl.lit("TRBC1")).otherwise(pl.lit("TRBC2"))
    )
    name = pl.format("clonotype{}", "clonotype")
    words = {True: "True", False: "False"}
    annotated = contigs.with_columns(
        is_cell=pl.lit("True"),
        contig_id=pl.format("{}_contig_{}", "barcode", pl.int_range(1, pl.len() + 1).over("barcode")),
        high_confidence=pl.lit("True"),
        length=pl.Series(_lengths(rng, contigs)),
        d_gene=pl.lit(None, pl.String),
        c_gene=pl.when(pl.Series(rng.random(number) >= NO_C)).then(c_gene),
        full_length=pl.col("v_gene").is_not_null().replace_strict(words, return_dtype=pl.String),
        productive=pl.col("productive").replace_strict(words, return_dtype=pl.String),
        reads=pl.Series(reads),
        raw_clonotype_id=name,
        raw_consensus_id=pl.format("{}_consensus_{}", name, "consensus"),
    )
    return annotated.select(CONTIG_COLUMNS).with_columns(pl.col(pl.String).fill_null("None"))


def _lengths(rng: np.random.Generator, contigs: pl.DataFrame) -> NDArray[np.int64]:
    """Return lengths: the shortest that is usual, the junction, and what the leader and the assembly add."""
    shortest, median, log_sd = (
        contigs["chain"].replace_strict({chain: of[place] for chain, of in LENGTH.items()}, return_dtype=pl.Float64)
        for place in range(3)
    )
    added = np.exp(rng.normal(0, 1, contigs.height) * log_sd.to_numpy()) * median.to_numpy()
    junction = contigs["cdr3_nt"].str.len_chars().fill_null(0).to_numpy()
    return np.asarray(shortest.to_numpy() + junction + added, np.int64)
