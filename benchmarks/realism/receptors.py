"""Simulated receptor chains beside real ones: lengths, gene use, shared sequences."""

from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.realism import OTHER_REAL, REAL, SIMULATED
from tilseq.simulate.receptors.families import draw_families
from tilseq.simulate.receptors.recombination import draw_chains

CHAINS = 100_000
FAMILIES = 3_000
LOCI = ("TRA", "TRB")
FEATURES = ("v", "j", "length")
COLORS = (REAL, *OTHER_REAL)


def described(junctions: pl.Series, v: pl.Series, j: pl.Series) -> pl.DataFrame:
    """Return chains with what is compared of them."""
    return pl.DataFrame({"v": v, "j": j, "junction_aa": junctions, "length": junctions.str.len_bytes().cast(pl.String)})


def simulated(locus: str, seed: int, chains: int) -> pl.DataFrame:
    """Return chains that the simulator draws."""
    drawn = draw_chains(np.random.default_rng(seed), locus, chains)
    return described(drawn["junction_aa"], drawn["v_call"].str.head(-3), drawn["j_call"].str.head(-3))


def contigs(paths: list[Path], locus: str) -> pl.DataFrame:
    """Read the different productive chains of 10x contigs; IMGT writes TRAV14/DV4 where 10x writes TRAV14DV4."""
    rows = pl.concat([pl.read_csv(path, infer_schema=False) for path in paths], how="diagonal")
    rows = rows.filter(pl.col("productive").str.to_lowercase() == "true", chain=locus)
    rows = rows.unique(["v_gene", "j_gene", "cdr3_nt"], maintain_order=True)
    return described(rows["cdr3"], rows["v_gene"].str.replace(r"(\d)DV", "$1/DV"), rows["j_gene"])


def vdjtools(path: Path) -> pl.DataFrame:
    """Return the chains of a file of VDJtools, each once."""
    rows = pl.read_csv(path, separator="\t").filter(~pl.col("cdr3aa").str.contains(r"[*_~]"))
    rows = rows.unique(["v", "j", "cdr3nt"], maintain_order=True)
    return described(rows["cdr3aa"], rows["v"], rows["j"])


def use(table: pl.DataFrame, feature: str) -> dict[str, float]:
    """Return value → share of the chains."""
    return dict(table[feature].drop_nulls().value_counts(normalize=True).iter_rows())


def paired(one: dict[str, float], other: dict[str, float]) -> np.ndarray:
    """Return two distributions over the values of both, shape (2, values)."""
    return np.array([[side.get(name, 0.0) for name in sorted({*one, *other})] for side in (one, other)])


def total_variation(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the total variation distance of two distributions, 0 to 1."""
    first, second = paired(one, other)
    return float(np.abs(first - second).sum() / 2)


def jensen_shannon_bits(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the Jensen-Shannon divergence of two distributions, in bits."""
    both = paired(one, other)
    middle = both.mean(axis=0)
    return float(np.sum(both * np.log2(np.where(both > 0, both, 1) / np.where(both > 0, middle, 1))) / 2)


def shared_per_pairing(one: pl.Series, other: pl.Series) -> float:
    """Return how often, per million pairings, a chain of one set has the junction of one of the other."""
    counts = [side.value_counts(name="n") for side in (one, other)]
    both = counts[0].join(counts[1], on=one.name)
    return 1e6 * float((both["n"] * both["n_right"]).sum()) / (len(one) * len(other))


def subjects(shared_data: Path, locus: str) -> dict[str, pl.DataFrame]:
    """Return subject → its chains of a locus, of the real contigs."""
    paths = sorted((shared_data / "screpertoire" / "contigs").glob("*.csv.gz"))
    names = sorted({path.name[:3] for path in paths})
    return {name: contigs([path for path in paths if path.name.startswith(name)], locus) for name in names}


def references(shared_data: Path, locus: str) -> dict[str, pl.DataFrame]:
    """Return the real tables of a locus by what they are called; the first is the one that selection was fitted to."""
    paths = sorted((shared_data / "screpertoire" / "contigs").glob("*.csv.gz"))
    found = {
        "scRepertoire (fitted)": contigs(paths, locus),
        "10x PBMC (scirpy)": contigs([shared_data / "tcr" / "10x_pbmc3_t_filtered_contig_annotations.csv.gz"], locus),
    }
    if locus == "TRB":
        found["CD8 day 15 (vdjtools)"] = vdjtools(shared_data / "tcr" / "vdjtools_M_day15_CD8_TRB_top5000.tsv.gz")
    return found


def compare(name: str, one: pl.DataFrame, other: pl.DataFrame) -> str:
    """Return the row that tells how far two sets of chains are apart."""
    cells = [name]
    for feature in FEATURES:
        first, second = use(one, feature), use(other, feature)
        cells.append(f"{total_variation(first, second):.3f} / {jensen_shannon_bits(first, second):.3f}")
    means = [table["junction_aa"].str.len_bytes().mean() for table in (one, other)]
    return f"| {' | '.join(cells)} | {means[0]:.2f} / {means[1]:.2f} |"


def heavy_lengths(shared_data: Path) -> tuple[pl.Series, pl.Series]:
    """Return junction lengths in amino acids of simulated families (by their first member) and of real clones."""
    members = draw_families(np.random.default_rng(3), FAMILIES).filter(member=0)
    real = pl.read_csv(shared_data / "bcr" / "alakazam_ExampleDb.tsv.gz", separator="\t", infer_schema=False)
    real = real.filter(productive="TRUE").unique("clone_id", maintain_order=True)
    return members["junction_aa"].str.len_bytes(), real["junction_length"].cast(pl.Int64) // 3


def measure(shared_data: Path, folder: Path) -> list[str]:
    """Compare simulated receptors with real ones; write a picture and return the lines of a Markdown table."""
    ours = {locus: simulated(locus, 1, CHAINS) for locus in LOCI}
    again = {locus: simulated(locus, 2, CHAINS) for locus in LOCI}
    real = {locus: references(shared_data, locus) for locus in LOCI}
    lines = [
        "| simulated / real | V use: total variation / Jensen-Shannon, bits | J use | length | mean length, aa |",
        "|---|---|---|---|---|",
    ]
    for locus in LOCI:
        lines += [compare(f"{locus}, {name}", ours[locus], table) for name, table in real[locus].items()]
        by_subject = subjects(shared_data, locus)
        for name, table in by_subject.items():
            rest = pl.concat([other for key, other in by_subject.items() if key != name])
            lines.append(compare(f"yardstick: {locus}, real subject {name} / the other three", table, rest))
    heavy = heavy_lengths(shared_data)
    distance = total_variation(*(dict(side.value_counts(normalize=True).iter_rows()) for side in heavy))
    lines.append(f"| IGH, alakazam | | | {distance:.3f} | {heavy[0].mean():.2f} / {heavy[1].mean():.2f} |")
    lines += [
        "",
        "| chance that two chains have one junction_aa, per million pairings | simulated | real |",
        "|---|---|---|",
    ]
    for locus in LOCI:
        tables = list(subjects(shared_data, locus).values())
        pairs = [(a, b) for number, a in enumerate(tables) for b in tables[:number]]
        observed = np.mean([shared_per_pairing(a["junction_aa"], b["junction_aa"]) for a, b in pairs])
        expected = shared_per_pairing(ours[locus]["junction_aa"], again[locus]["junction_aa"])
        lines.append(
            f"| {locus}: two sets of 100,000 / {len(pairs)} pairs of subjects | {expected:.3f} | {observed:.3f} |"
        )
    draw(ours, real, heavy, folder / "realism_receptors.png")
    return lines


def draw(ours, real, heavy, path: Path) -> None:
    """Draw lengths of junctions and use of V genes, simulated beside real."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 9), layout="constrained")
    axes = figure.subplots(3, 2, width_ratios=[1, 2.4])
    for row, locus in enumerate(("TRB", "TRA")):
        lengths(axes[row][0], locus, ours[locus], real[locus])
        bars(axes[row][1], f"{locus} V genes", "v", ours[locus], real[locus], 36)
    for side, color, label in ((heavy[0], SIMULATED, "simulated"), (heavy[1], REAL, "real: alakazam ExampleDb")):
        shares = side.value_counts(normalize=True).sort(side.name)
        axes[2][0].plot(shares[side.name], shares["proportion"], color=color, marker=".", label=label)
    axes[2][0].set(title="IGH junction length", xlabel="amino acids", ylabel="share of families")
    axes[2][0].set_ylim(0, 0.2)
    axes[2][0].legend(frameon=False, fontsize=9, loc="upper right")
    bars(axes[2][1], "TRA and TRB J genes", "j", *joined(ours, real), 62)
    figure.savefig(path, dpi=80)


def joined(ours, real) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Put both loci together, each with the weight of its own real table."""
    fitted = {"scRepertoire (fitted)": pl.concat([next(iter(real[locus].values())) for locus in LOCI])}
    return pl.concat([ours[locus] for locus in LOCI]), fitted


def lengths(axes, locus: str, ours: pl.DataFrame, real: dict[str, pl.DataFrame]) -> None:
    """Draw the lengths of junctions."""
    sides = [("simulated", ours, SIMULATED, "-")]
    sides += [(f"real: {name}", table, color, "--") for (name, table), color in zip(real.items(), COLORS, strict=False)]
    for label, table, color, line in sides:
        shares = sorted((int(length), share) for length, share in use(table, "length").items())
        axes.plot(*zip(*shares, strict=True), color=color, linestyle=line, marker=".", label=label)
    axes.set(title=f"{locus} junction length", xlabel="amino acids", ylabel="share of different chains", xlim=(5, 34))
    axes.set_ylim(0, 0.42)
    axes.legend(frameon=False, fontsize=9, loc="upper right")


def bars(axes, title: str, feature: str, ours: pl.DataFrame, real: dict[str, pl.DataFrame], most: int) -> None:
    """Draw the use of the commonest genes."""
    sides = [("simulated", use(ours, feature), SIMULATED)]
    sides += [
        (f"real: {k}", use(table, feature), color) for (k, table), color in zip(real.items(), COLORS, strict=False)
    ]
    names = sorted(sides[1][1], key=lambda name: -sides[1][1][name])[:most]
    width = 0.8 / len(sides)
    for number, (label, shares, color) in enumerate(sides):
        at = np.arange(len(names)) + (number + 0.5) * width - 0.4
        axes.bar(at, [100 * shares.get(name, 0) for name in names], width, color=color, label=label)
    axes.set_xticks(range(len(names)), [name[2:] for name in names], rotation=90, fontsize=8)
    axes.set(title=title, ylabel="% of different chains", xlim=(-0.6, len(names) - 0.4))
    axes.legend(frameon=False, fontsize=9)
