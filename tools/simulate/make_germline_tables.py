"""Derive the tables of tilseq/simulate/receptors/germline from righor's models and from public 10x contigs.

Run once, by hand; the tables are kept with the code and no test runs this:

    pip download righor==0.2.97 --no-deps && unzip righor-*.whl -d righor
    python tools/simulate/make_germline_tables.py righor/righor-0.2.97.data/data/righor_models/human CONTIGS

CONTIGS holds the ``*_filtered_contig_annotations.csv.gz`` of BorchLab/scRepertoire. Only marginal figures are taken:
alleles are summed to genes, germline is cut to what lies in the junction, shares are rounded to whole numbers.
"""

import sys
from pathlib import Path

import numpy as np
import polars as pl

from tilseq.simulate.receptors.nucleotides import translate
from tilseq.simulate.receptors.recombination import draw_chains

TABLES = Path(__file__).parents[2] / "tilseq" / "simulate" / "receptors" / "germline"
FOLDERS = {"TRA": "t_alpha", "TRB": "t_beta", "IGH": "b_heavy", "IGK": "b_kappa", "IGL": "b_lambda"}
MODELS = """\
# Figures: the human models shipped with righor 0.2.97 (MIT, https://github.com/Thopic/righor), whose index says that
# they come from IGoR (TRA, TRB) and OLGA (IGH, IGK, IGL). Papers: Marcou and others, Nat Commun 2018;9:561 (IGoR);
# Sethna and others, Bioinformatics 2019;35:2974 (OLGA); Pogorelyy and others, PLoS Comput Biol 2017;13:e1005572
# (TRA, TRB); Elhanati and others, Phil Trans R Soc B 2015;370:20140243 (IGH); method: Murugan and others,
# PNAS 2012;109:16161. Alleles are summed to genes. Made by tools/simulate/make_germline_tables.py.
"""
# A gene of no known place that the short reads behind the IGH model cannot tell from its neighbours: the model uses it
# most of all and IGHV3-33 hardly ever, against every repertoire of longer reads. Its use goes to them, half and half.
CONFUSED, NEIGHBOURS = "IGHV3-NL1", ("IGHV3-30", "IGHV3-33")
SMALLEST_USE = 1e-5  # a gene drawn less often is left out
PAIR_UNIT, TRIM_UNIT = 1_000_000, 10_000
FIT_CHAINS, FIT_ROUNDS = 1_000_000, 4
RAREST = 5  # a length seen less often is left out
PRIOR = 5  # chains added to either side of a ratio, so that what was hardly seen stays near 1


COLUMNS = {
    "genes": ["locus", "gene", "germline"],
    "pairs": ["locus", "v", "j", "share"],
    "d_use": ["locus", "j", "d", "share"],
    "trims": ["locus", "gene", "end", "given", "first", "shares"],
    "insertions": ["locus", "join", "shares"],
    "steps": ["locus", "join", "before", "shares"],
    "selection": ["locus", "what", "factor"],
}
MEANINGS = {
    "genes": """\
# Ends of human germline genes that can lie in a junction, allele *01 (sequences: IMGT/GENE-DB): V from the codon of the
# second cysteine, D whole, J up to the codon of the phenylalanine or tryptophan.
""",
    "pairs": """\
# How often V and J genes are joined, per million rearrangements, productive or not. What the model gives to IGHV3-NL1
# is shared between IGHV3-30 and IGHV3-33.
""",
    "d_use": """\
# Which D gene is used, per 10,000 rearrangements of the J gene. TRBD2 lies behind the first cluster of TRBJ, so it is
# given to the second cluster only, whatever the model says.
""",
    "trims": """\
# Nucleotides lost at an end of a gene, per 10,000: `shares` stands for `first`, `first` + 1 ... ; below 0, palindromic
# nucleotides gained. The 3' end of a D gene is given how much its 5' end lost.
""",
    "insertions": """\
# How many non-templated bases are inserted, per million: 0, 1, 2 ...
""",
    "steps": """\
# Which base is inserted behind which, per 10,000: A, C, G, T. DJ counts from J towards D.
""",
    "selection": """\
# Selection in thymus and blood: a productive rearrangement counts by the product of the factors of its V gene, its J
# gene and its junction's length in amino acids (no row: 1 for a gene, 0 for a length). The factors are separate, as in
# Elhanati and others, PNAS 2014;111:9875. They also mend what the models miss, each being of one donor and one
# protocol: TRAV3 and TRAV8-4, for instance, are hardly used in that of TRA.
# Fitted to the different productive junctions of the 8 samples of blood and lung tumour of BorchLab/scRepertoire (10x
# contigs, MIT, https://github.com/BorchLab/scRepertoire). Made by tools/simulate/make_germline_tables.py.
""",
}


class Model:
    """One model in IGoR's two text files, as arrays in the order of the file's own indices."""

    def __init__(self, folder: Path):
        self.genes: dict[str, list[tuple[str, str]]] = {}
        self.values: dict[str, list[int]] = {}
        self._read_parameters(next(folder.glob("tmp1/model_params.txt")))
        self.shares = self._read_marginals(next(folder.glob("tmp1/model_marginals.txt")))
        self.anchors = {
            segment: {row["gene"]: row for row in pl.read_csv(path).iter_rows(named=True)}
            for segment in "VJ"
            for path in folder.glob(f"{segment}_gene_CDR3_anchors.csv")
        }

    def _read_parameters(self, path: Path) -> None:
        name, found = "", []
        for line in path.read_text().splitlines():
            if line.startswith("@Edges"):
                break
            if line.startswith("#"):
                name = line.split(";")[-1]
                found = []
                self.genes[name] = self.values[name] = found
            elif line.startswith("%"):
                *words, index = line[1:].split(";")
                found.append((int(index), words))
        for name, rows in list(self.genes.items()):
            rows.sort()
            self.genes[name] = [tuple(words) for _, words in rows]
            self.values[name] = [int(words[0]) for _, words in rows if words[0].lstrip("-").isdigit()]

    @staticmethod
    def _read_marginals(path: Path) -> dict[str, np.ndarray]:
        shares, name, shape, rows = {}, "", (), []
        for line in [*path.read_text().splitlines(), "@"]:
            if line.startswith("@"):
                if name:
                    shares[name] = np.concatenate(rows).reshape(shape)
                name, rows = line[1:], []
            elif line.startswith("$"):
                shape = tuple(int(size) for size in line[5:-1].split(","))
            elif line.startswith("%"):
                rows.append(np.array(line[1:].split(","), dtype=float))
        return shares


def germline(model: Model, segment: str, allele: str, sequence: str) -> str:
    """Return the part of a gene that lies in the junction; empty if the gene cannot give a functional chain."""
    if segment == "D":
        return sequence
    row = model.anchors[segment].get(allele)
    if row is None or row["function"].strip("()[]") == "P":
        return ""
    end = row["anchor_index"]
    part = sequence[end:] if segment == "V" else sequence[: end + 3]
    codon = part[:3] if segment == "V" else part[-3:]
    anchored = len(codon) == 3 and translate(pl.Series([codon])).item() in ("C" if segment == "V" else "FW")
    return part if anchored else ""


def collapse(model: Model, event: str, segment: str) -> tuple[list[str], list[str], np.ndarray]:
    """Return usable genes, their germline (*01) and a matrix of 0 and 1 that sums alleles to genes."""
    alleles = model.genes[event]
    ends = {name: germline(model, segment, name, sequence) for name, sequence in alleles}
    genes = sorted({name.split("*")[0] for name, _ in alleles if ends.get(name.split("*")[0] + "*01")})
    member = np.array([[float(name.split("*")[0] == gene) for name, _ in alleles] for gene in genes])
    return genes, [ends[gene + "*01"] for gene in genes], member


def whole(shares: np.ndarray, unit: int) -> str:
    """Return shares as whole numbers of a unit, apart by spaces; nothing if all are 0."""
    total = shares.sum()
    return " ".join(str(round(value * unit / total)) for value in shares) if total > 0 else ""


def derive(folder: Path) -> dict[str, pl.DataFrame]:
    """Return the tables of genes, pairs, D use, trimming, insertion and base steps of all loci."""
    rows: dict[str, list[tuple]] = {name: [] for name in COLUMNS if name != "selection"}
    for locus, name in FOLDERS.items():
        add_locus(rows, locus, Model(folder / name))
    return {
        name: pl.DataFrame(found, schema=COLUMNS[name], orient="row", infer_schema_length=None)
        for name, found in rows.items()
    }


def add_locus(rows: dict[str, list[tuple]], locus: str, model: Model) -> None:
    """Add what one locus has to each table."""
    shares = model.shares
    v, v_ends, v_member = collapse(model, "v_choice", "V")
    j, j_ends, j_member = collapse(model, "j_choice", "J")
    v_use = shares["v_choice"]
    alleles = v_use[:, None] * np.broadcast_to(shares["j_choice"], (len(v_use), j_member.shape[1]))
    pairs = v_member @ alleles @ j_member.T
    pairs /= pairs.sum()
    if CONFUSED in v:
        pairs[[v.index(name) for name in NEIGHBOURS]] += pairs[v.index(CONFUSED)] / len(NEIGHBOURS)
        pairs[v.index(CONFUSED)] = 0
    kept_v, kept_j = np.flatnonzero(pairs.sum(1) >= SMALLEST_USE), np.flatnonzero(pairs.sum(0) >= SMALLEST_USE)
    genes = [(v[a], v_ends[a]) for a in kept_v] + [(j[b], j_ends[b]) for b in kept_j]
    rows["genes"] += [(locus, *gene) for gene in genes]
    counts = [(locus, v[a], j[b], round(pairs[a, b] * PAIR_UNIT)) for a in kept_v for b in kept_j]
    rows["pairs"] += [row for row in counts if row[-1] > 0]
    ends = (
        (v, kept_v, v_member * v_use, "v_3_del", "3"),
        (j, kept_j, j_member * alleles.sum(0), "j_5_del", "5"),
    )
    for names, kept, use, event, end in ends:
        mixed = use @ shares[event][:, np.argsort(model.values[event])]
        rows["trims"] += [
            (locus, names[a], end, None, min(model.values[event]), whole(mixed[a], TRIM_UNIT)) for a in kept
        ]
    if "d_gene" in shares:
        add_d(rows, locus, model, alleles, [j[b] for b in kept_j], j_member[kept_j])
    add_insertions(rows, locus, model)


def add_insertions(rows: dict[str, list[tuple]], locus: str, model: Model) -> None:
    """Add the numbers of inserted bases and the steps from base to base."""
    for join in ("vd", "dj", "vj"):
        if f"{join}_ins" in model.shares:
            lengths = model.shares[f"{join}_ins"][np.argsort(model.values[f"{join}_ins"])]
            rows["insertions"].append((locus, join.upper(), whole(lengths, PAIR_UNIT)))
            steps = model.shares[f"{join}_dinucl"].reshape(4, 4)
            rows["steps"] += [(locus, join.upper(), "ACGT"[a], whole(steps[a], TRIM_UNIT)) for a in range(4)]


def add_d(
    rows: dict[str, list[tuple]], locus: str, model: Model, alleles: np.ndarray, j: list[str], j_member: np.ndarray
) -> None:
    """Add D genes: their germline, their use given J, and their trimming, the 3' end given the 5' end."""
    shares = model.shares
    d, d_ends, d_member = collapse(model, "d_gene", "D")
    given = shares["d_gene"]
    jd = np.einsum("vj,vjd->jd", alleles, np.broadcast_to(given, (len(alleles), *given.shape[-2:])))
    use = j_member @ jd @ d_member.T
    if locus == "TRB":
        use[np.ix_([name.startswith("TRBJ1") for name in j], [name == "TRBD2" for name in d])] = 0
    use /= use.sum(1, keepdims=True)
    rows["genes"] += [(locus, gene, end) for gene, end in zip(d, d_ends, strict=True)]
    counts = [
        (locus, j_gene, d_gene, round(use[a, b] * TRIM_UNIT))
        for a, j_gene in enumerate(j)
        for b, d_gene in enumerate(d)
    ]
    rows["d_use"] += [row for row in counts if row[-1] > 0]
    five, three = model.values["d_5_del"], model.values["d_3_del"]
    joint = shares["d_5_del"][:, :, None] * shares["d_3_del"] * jd.sum(0)[:, None, None]
    for member, gene in zip(d_member, d, strict=True):
        mixed = np.einsum("a,aij->ij", member, joint)[np.argsort(five)][:, np.argsort(three)]
        share = mixed.sum(1) / mixed.sum()
        rows["trims"].append((locus, gene, "5", None, min(five), whole(share, TRIM_UNIT)))
        rows["trims"] += [
            (locus, gene, "3", sorted(five)[i], min(three), whole(mixed[i], TRIM_UNIT))
            for i in range(len(share))
            if round(share[i] * TRIM_UNIT) > 0
        ]


def write(name: str, table: pl.DataFrame) -> None:
    """Write one table under the lines that say what it means and where it comes from."""
    header = MEANINGS[name] + ("" if name == "selection" else MODELS)
    (TABLES / f"{name}.tsv").write_text(header + table.write_csv(separator="\t"))


def observed(folder: Path) -> pl.DataFrame:
    """Return the different productive chains of the contigs: locus, v, j, length."""
    tables = [pl.read_csv(path, infer_schema=False) for path in sorted(folder.glob("*.csv.gz"))]
    slashed = pl.col("v_gene").str.replace(r"(\d)DV", "$1/DV")
    return (
        pl.concat(tables)
        .filter(pl.col("productive").str.to_lowercase() == "true", pl.col("chain").is_in(["TRA", "TRB"]))
        .unique(["chain", "v_gene", "j_gene", "cdr3_nt"], maintain_order=True)
        .select("chain", slashed, "j_gene", pl.col("cdr3").str.len_bytes().cast(pl.String).alias("length"))
    )


def fit_selection(folder: Path) -> pl.DataFrame:
    """Return the factors that carry our productive chains to the observed ones, by rounds of reweighting."""
    rows = []
    for locus in ("TRA", "TRB"):
        real = observed(folder).filter(chain=locus)
        real = real.filter(pl.col("length").is_in(common_lengths(real["length"])))
        drawn = draw_chains(np.random.default_rng(1), locus, FIT_CHAINS).select(
            v_gene=pl.col("v_call").str.strip_suffix("*01"),
            j_gene=pl.col("j_call").str.strip_suffix("*01"),
            length=pl.col("junction_aa").str.len_bytes().cast(pl.String),
        )
        weight = np.full(drawn.height, real.height / drawn.height)
        factors: dict[str, float] = {}
        for _ in range(FIT_ROUNDS):
            for column in ("v_gene", "j_gene", "length"):
                expected = drawn.with_columns(weight=weight).group_by(column).agg(pl.col("weight").sum())
                both = expected.join(real.group_by(column).len(), on=column, how="left").fill_null(0)
                prior = 0 if column == "length" else PRIOR
                quotient = (pl.col("len") + prior) / (pl.col("weight") + prior)
                ratio = dict(both.select(column, quotient.fill_nan(0)).iter_rows())
                weight *= drawn[column].replace_strict(ratio, return_dtype=pl.Float64).to_numpy()
                factors |= {what: factors.get(what, 1) * value for what, value in ratio.items()}
        rows += [(locus, what, float(f"{value:.3g}")) for what, value in sorted(factors.items(), key=rank) if value > 0]
    return pl.DataFrame(rows, schema=COLUMNS["selection"], orient="row")


def common_lengths(lengths: pl.Series) -> list[str]:
    """Return the lengths around the commonest that are all seen often enough."""
    counts = dict(lengths.value_counts().iter_rows())
    common = sorted(int(length) for length, count in counts.items() if count >= RAREST)
    runs = np.split(common, np.flatnonzero(np.diff(common) > 1) + 1)
    return [str(length) for length in max(runs, key=lambda run: sum(counts[str(length)] for length in run))]


def rank(item: tuple[str, float]) -> tuple[bool, int, str]:
    """Return the place of a factor: genes by name, then lengths by number."""
    what = item[0]
    return what.isdigit(), int(what) if what.isdigit() else 0, what


def main(models: str, contigs: str) -> None:
    """Write all tables; selection last, for it is fitted to chains drawn from the others."""
    for name, table in derive(Path(models)).items():
        write(name, table)
    write("selection", pl.DataFrame(schema={"locus": pl.String, "what": pl.String, "factor": pl.Float64}))
    selection = fit_selection(Path(contigs))
    write("selection", selection)


if __name__ == "__main__":
    main(*sys.argv[1:])
