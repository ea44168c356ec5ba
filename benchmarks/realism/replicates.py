"""Sequencing beside real data: scatter between replicates, and 10x contigs.

Replicates: two donors of Minervina and others (eLife 2021;10:e63502, data MIT), five days, two samples of 2 million
PBMC each. Their tables hold clones alone that were large at day 15 or 37 and contracted, so a clone with few counts
was seen on that day because it had been large on another. Contigs: seven samples of BorchLab/scRepertoire (MIT).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.realism import REAL, SIMULATED
from tilseq.simulate.receptors.recombination import draw_chains
from tilseq.simulate.sequencing import contigs, sampling
from tilseq.simulate.streams import stream

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

SEED = 11
DAYS = (15, 30, 37, 45, 85)
T_CELLS = 1_200_000  # of 2 million PBMC; the share of 60 % is a round figure
REST = 20_000  # clones that stand for all that are not in the tables
MEANS = (0.5, 1.5, 3, 6, 12, 25, 50, 100, 250, 10_000)  # limits of the mean count of two replicates
BLOOD, TUMOR = ("P17B", "P18B", "P19B", "P20B"), ("P17L", "P18L", "P19L")
EFFICIENCY = {"B": 1.0, "L": 0.65}
DUAL_ALPHA, DUAL_BETA = 0.10, 0.03
PATTERNS = ("TRA + TRB", "TRB alone", "TRA alone", "2 TRA + TRB", "TRA + 2 TRB", "2 TRA + 2 TRB")
UMIS = np.arange(1, 31)


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Write realism_replicates.png and return the lines of a table of figures."""
    real = real_replicates(shared_data)
    simulated = [simulate_replicates(number, totals, counts) for number, (totals, counts) in enumerate(real)]
    rows = replicate_rows([scatter(real), scatter(simulated)])
    tables = {name: real_contigs(shared_data, name) for name in (*BLOOD, *TUMOR)}
    made = {name: simulate_contigs(name, table) for name, table in tables.items()}
    draw(folder / "realism_replicates.png", real, simulated, tables, made)
    return ["| figure | real | simulated |", "|---|---|---|", *rows, *contig_rows(tables, made)]


def real_replicates(shared_data: Path) -> list[tuple[Floats, Counts]]:
    """Return UMIs of both replicates and the counts (clones × 2) of each table, donor and day."""
    folder = shared_data / "tcr"
    samples = pl.read_csv(folder / "minervina_Table_S1.tsv", separator="\t").filter(pl.col("Chain") == "TCRbeta")
    total = dict(samples.select("Sample id", "UMIs").iter_rows())
    found = []
    for table in ("S3", "S5"):
        frame = pl.read_csv(folder / f"minervina_Table_{table}.tsv", separator="\t", infer_schema_length=None)
        for donor in ("M", "W"):
            clones = frame.filter(pl.col("donor") == donor)
            for day in DAYS:
                totals = np.array([total[f"{donor}_d{day}_F{which}"] for which in (1, 2)], float)
                shares = clones.select(pl.col(f"freq_d_{day}_F{which}") for which in (1, 2)).to_numpy()
                found.append((totals, np.rint(shares * totals).astype(np.int64)))
    return found


def simulate_replicates(number: int, totals: Floats, counts: Counts) -> tuple[Floats, Counts]:
    """Sequence two samples of a repertoire with the pooled frequencies of the real clones, to the real UMI totals."""
    rng = stream(SEED, "replicates", str(number))
    shares = counts.sum(axis=1) / totals.sum()
    shares = np.append(shares, np.full(REST, (1 - shares.sum()) / REST))
    libraries = [
        sampling.sequence(rng, sampling.draw_cells(rng, shares, T_CELLS), int(depth), sampling.UMI) for depth in totals
    ]
    return totals, np.stack([library.counted[: len(counts)] for library in libraries], axis=1)


def scatter(pairs: list[tuple[Floats, Counts]]) -> Floats:
    """Return of each clone seen: mean count, squared distance of the replicates in Poisson variances, log2 ratio."""
    parts = []
    for totals, counts in pairs:
        counts = counts[counts.sum(axis=1) > 0]
        both, share = counts.sum(axis=1), totals[0] / totals.sum()
        squares = (counts[:, 0] - both * share) ** 2 / (both * share * (1 - share))
        with np.errstate(divide="ignore"):
            ratio = np.log2(counts[:, 0] / totals[0]) - np.log2(counts[:, 1] / totals[1])
        parts.append(np.column_stack([both / 2, squares, ratio]))
    return np.concatenate(parts)


def dispersion(clones: Floats) -> tuple[Floats, Floats, Floats]:
    """Return mean count, variance over Poisson and its standard error, in bins of the mean count."""
    place = np.digitize(clones[:, 0], MEANS) - 1
    bins = [clones[place == number] for number in range(len(MEANS) - 1)]
    mean = np.array([np.exp(np.log(each[:, 0]).mean()) for each in bins])
    over = np.array([each[:, 1].mean() for each in bins])
    return mean, over, np.array([each[:, 1].std() / np.sqrt(len(each)) for each in bins])


def replicate_rows(sources: list[Floats]) -> list[str]:
    """Return rows on how replicates of a library scatter, a column a source."""
    rows = []
    for low, high in ((0.5, 3), (3, 12), (12, 50), (50, 10_000)):
        inside = [clones[(clones[:, 0] >= low) & (clones[:, 0] < high)] for clones in sources]
        where = f"clones of {low:g} to {high:g} UMIs" if high < 10_000 else f"clones of {low:g} UMIs and more"
        rows.append(line(f"variance over Poisson, {where}", [each[:, 1].mean() for each in inside], ".2f"))
        if high == 3:
            rows.append(line(f"missed by one replicate, {where}", [np.isinf(each[:, 2]).mean() for each in inside]))
        if low >= 12:
            ratios = [each[np.isfinite(each[:, 2]), 2] for each in inside]
            rows.append(line(f"SD of log2 ratio, {where}", [ratio.std() for ratio in ratios], ".2f"))
    return rows


def line(figure: str, values: list[Any], form: str = ".1%") -> str:
    """Return one row of the table."""
    return f"| {figure} | " + " | ".join(format(value, form) for value in values) + " |"


def real_contigs(shared_data: Path, name: str) -> pl.DataFrame:
    """Return the contigs of a real 10x library."""
    path = shared_data / "screpertoire" / "contigs" / f"{name}_filtered_contig_annotations.csv.gz"
    return pl.read_csv(path, schema_overrides=dict.fromkeys(("is_cell", "productive"), pl.String)).select(
        "barcode", "chain", "cdr3_nt", "umis", "productive"
    )


def simulate_contigs(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Draw contigs of as many cells as the real sample has, of clones as large as its beta chains are."""
    rng = stream(SEED, "contigs", name)
    beta = table.filter(pl.col("chain") == "TRB").unique(["barcode", "cdr3_nt"])
    sizes = beta["cdr3_nt"].value_counts()["count"].sort(descending=True).to_numpy()
    cells = rng.choice(len(sizes), table["barcode"].n_unique(), p=sizes / sizes.sum())
    captured = clones(rng, len(sizes))[cells].with_columns(
        pl.Series("barcode", [f"{number:016d}-1" for number in range(len(cells))])
    )
    drawn = contigs.draw_contigs(rng, contigs.draw_doublets(rng, captured), efficiency=EFFICIENCY[name[-1]])
    return drawn.filter(pl.col("productive") == "True")


def clones(rng: np.random.Generator, number: int) -> pl.DataFrame:
    """Return clones with their chains, some with two of one kind."""
    columns = []
    for prefix, share in (("tra", 1), ("tra2", DUAL_ALPHA), ("trb", 1), ("trb2", DUAL_BETA)):
        chains = draw_chains(rng, "TRA" if prefix.startswith("tra") else "TRB", number).drop("d_call")
        has = pl.Series(rng.random(number) < share)
        columns += [
            pl.select(pl.when(has).then(column)).to_series().alias(f"{prefix}_{column.name}") for column in chains
        ]
    return pl.DataFrame(columns)


def patterns(table: pl.DataFrame) -> Floats:
    """Return the share of barcodes with each of `PATTERNS`."""
    chain = pl.col("chain")
    chains = table.group_by("barcode").agg(tra=(chain == "TRA").sum(), trb=(chain == "TRB").sum())
    wanted = ((1, 1), (0, 1), (1, 0), (2, 1), (1, 2), (2, 2))
    return np.array([((chains["tra"] == tra) & (chains["trb"] == trb)).mean() for tra, trb in wanted])


def top_share(table: pl.DataFrame) -> float:
    """Return the share of the beta chains' barcodes that the largest beta chain has."""
    beta = table.filter(pl.col("chain") == "TRB").unique(["barcode", "cdr3_nt"])
    return float(beta["cdr3_nt"].value_counts()["count"].to_numpy().max() / beta["barcode"].n_unique())


def umi_shares(tables: list[pl.DataFrame], chain: str) -> Floats:
    """Return the share of contigs with each of `UMIS`, the mean over samples."""
    shares = []
    for table in tables:
        umis = table.filter(pl.col("chain") == chain)["umis"].to_numpy()
        shares.append([(umis == number).mean() for number in UMIS])
    return np.array(shares).mean(axis=0)


def contig_rows(real: dict[str, pl.DataFrame], simulated: dict[str, pl.DataFrame]) -> list[str]:
    """Return rows on chains and UMIs of cells, real and simulated."""
    rows = []
    for kind, names in (("blood", BLOOD), ("tumour", TUMOR)):
        each = [[source[name] for name in names] for source in (real, simulated)]
        shares = [np.array([patterns(table) for table in tables]).mean(axis=0) for tables in each]
        rows += [
            line(f"{kind}: barcodes with {name}", [share[place] for share in shares])
            for place, name in enumerate(PATTERNS)
        ]
        for chain in ("TRA", "TRB"):
            umis = [
                np.concatenate([table.filter(pl.col("chain") == chain)["umis"].to_numpy() for table in tables])
                for tables in each
            ]
            rows.append(line(f"{kind}: mean UMIs of a {chain} contig", [one.mean() for one in umis], ".1f"))
            rows.append(line(f"{kind}: their CV", [one.std() / one.mean() for one in umis], ".2f"))
    rows += [
        line(f"{name}: share of the largest beta chain", [top_share(source[name]) for source in (real, simulated)])
        for name in ("P17B", "P20B", "P19L")
    ]
    return rows


def draw(
    path: Path,
    real: list[tuple[Floats, Counts]],
    simulated: list[tuple[Floats, Counts]],
    tables: dict[str, pl.DataFrame],
    made: dict[str, pl.DataFrame],
) -> None:
    """Draw all that is compared."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    replicates, cells = "real: Minervina 2021", "real: scRepertoire"
    draw_scatter(axes[0, 0], real, f"{replicates}, clones that contracted", REAL)
    draw_scatter(axes[0, 1], simulated, "simulated: same frequencies and UMI totals", SIMULATED)
    draw_dispersion(axes[0, 2], {replicates: scatter(real), "simulated": scatter(simulated)})
    for axis, (kind, names) in zip(axes[1, :2], (("blood", BLOOD), ("tumour", TUMOR)), strict=True):
        draw_patterns(axis, kind, {cells: [tables[name] for name in names], "simulated": [made[n] for n in names]})
    draw_umis(axes[1, 2], {cells: [tables[name] for name in BLOOD], "simulated": [made[name] for name in BLOOD]})
    figure.savefig(path, dpi=75, metadata={"Software": None})


def draw_scatter(axis: Any, pairs: list[tuple[Floats, Counts]], title: str, color: str) -> None:
    """Draw the shares in one replicate against those in the other."""
    shares = np.concatenate([(counts + 0.5) / totals for totals, counts in pairs])
    axis.loglog(shares[:, 0], shares[:, 1], ".", ms=2, alpha=0.4, color=color)
    axis.loglog([2e-7, 3e-3], [2e-7, 3e-3], color="grey", lw=0.8)
    axis.set(title=title, xlabel="share in replicate 1 (half a UMI added)", ylabel="share in replicate 2")


def draw_dispersion(axis: Any, sources: dict[str, Floats]) -> None:
    """Draw the variance between replicates over that of Poisson counts."""
    for (label, clones), color in zip(sources.items(), (REAL, SIMULATED), strict=True):
        mean, over, error = dispersion(clones)
        axis.errorbar(mean, over, 2 * error, fmt="o-", color=color, label=label, capsize=2)
    axis.axhline(1, color="grey", lw=0.8, label="Poisson")
    axis.set(xscale="log", ylim=(0, None), title="scatter between replicates (bars: ± 2 SE)")
    axis.set(xlabel="mean UMIs of the clone", ylabel="variance over that of Poisson counts")
    axis.legend(fontsize=9)


def draw_patterns(axis: Any, kind: str, sources: dict[str, list[pl.DataFrame]]) -> None:
    """Draw how many barcodes have which chains."""
    for number, (label, tables) in enumerate(sources.items()):
        shares = np.array([patterns(table) for table in tables])
        place = np.arange(len(PATTERNS)) + 0.4 * number - 0.2
        axis.bar(
            place,
            100 * shares.mean(axis=0),
            0.38,
            color=(REAL, SIMULATED)[number],
            alpha=0.6,
            label=f"{label}, mean of samples",
        )
        for sample in shares:
            axis.plot(place, 100 * sample, "_", color="black", ms=9)
    axis.set_xticks(range(len(PATTERNS)), [name.replace(" + ", "\n+ ") for name in PATTERNS], fontsize=8)
    axis.set(title=f"chains of a barcode, {kind} (dashes: samples)", ylabel="barcodes, %")
    axis.legend(fontsize=9)


def draw_umis(axis: Any, sources: dict[str, list[pl.DataFrame]]) -> None:
    """Draw the UMIs of productive contigs."""
    for number, (label, tables) in enumerate(sources.items()):
        for chain, style in (("TRA", "o-"), ("TRB", "s--")):
            shares = 100 * umi_shares(tables, chain)
            axis.plot(UMIS, shares, style, ms=3, color=(REAL, SIMULATED)[number], label=f"{chain}, {label}")
    axis.set(title="UMIs of a productive contig, blood", xlabel="UMIs", ylabel="contigs, %")
    axis.legend(fontsize=9)
