"""T-cell clones: beta-chain junctions by a simplified V(D)J recombination, and how unequal clones are in size.

The genes' ends inside the junction are the germline's (IMGT/GENE-DB, human TRB, allele *01). How often V and J genes
are used and how far they are trimmed was counted in the 18,638 different productive TRB junctions of the public 10x
contigs of BorchLab/scRepertoire (MIT) and rounded. Simplified: only the 16 most used V genes; trimming and
insertion do not depend on the gene; no palindromic nucleotides; no thymic selection beyond a productive frame.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Gene: end of the germline from the second cysteine on, use in per mille.
V_GENES = {
    "TRBV20-1": ("TGCAGTGCTAGAGA", 137),
    "TRBV5-1": ("TGCGCCAGCAGCTTGG", 95),
    "TRBV19": ("TGTGCCAGTAGTATAGA", 79),
    "TRBV7-2": ("TGTGCCAGCAGCTTAGC", 73),
    "TRBV2": ("TGTGCCAGCAGTGAAGC", 62),
    "TRBV3-1": ("TGTGCCAGCAGCCAAGA", 60),
    "TRBV7-9": ("TGTGCCAGCAGCTTAGC", 59),
    "TRBV6-5": ("TGTGCCAGCAGTTACTC", 58),
    "TRBV28": ("TGTGCCAGCAGTTTATG", 57),
    "TRBV27": ("TGTGCCAGCAGTTTATC", 53),
    "TRBV30": ("TGTGCCTGGAGTGT", 47),
    "TRBV18": ("TGTGCCAGCTCACCACC", 46),
    "TRBV9": ("TGTGCCAGCAGCGTAG", 44),
    "TRBV6-1": ("TGTGCCAGCAGTGAAGC", 42),
    "TRBV4-1": ("TGCGCCAGCAGCCAAGA", 39),
    "TRBV29-1": ("TGCAGCGTTGAAGA", 35),
}
# Gene: start of the germline up to the phenylalanine of the FGXG motif, use in per mille.
J_GENES = {
    "TRBJ2-7": ("CTCCTACGAGCAGTACTTC", 154),
    "TRBJ2-1": ("CTCCTACAATGAGCAGTTCTTC", 145),
    "TRBJ1-1": ("TGAACACTGAAGCTTTCTTT", 113),
    "TRBJ2-3": ("AGCACAGATACGCAGTATTTT", 110),
    "TRBJ1-2": ("CTAACTATGGCTACACCTTC", 101),
    "TRBJ2-5": ("ACCAAGAGACCCAGTACTTC", 96),
    "TRBJ2-2": ("CGAACACCGGGGAGCTGTTTTTT", 73),
    "TRBJ1-5": ("TAGCAATCAGCCCCAGCATTTT", 65),
    "TRBJ1-6": ("CTCCTATAATTCACCCCTCCACTTT", 43),
    "TRBJ1-4": ("CAACTAATGAAAAACTGTTTTTT", 37),
    "TRBJ1-3": ("CTCTGGAAACACCATATATTTT", 29),
    "TRBJ2-6": ("CTCTGGGGCCAACGTCCTGACTTTC", 18),
    "TRBJ2-4": ("AGCCAAAAACATTCAGTACTTC", 16),
}
D_GENES = {"TRBD1": "GGGACAGGGGGC", "TRBD2": "GGGACTAGCGGGGGGG"}
V_TRIM = np.array([0.125, 0.10, 0.10, 0.13, 0.14, 0.15, 0.13, 0.06, 0.04, 0.025])  # 0 to 9 nucleotides
J_TRIM = np.array([0.13, 0.09, 0.11, 0.10, 0.15, 0.12, 0.09, 0.08, 0.06, 0.07])  # 0 to 9 nucleotides
D_TRIM = 8  # 0 to 7 nucleotides at either end, all as likely
MEAN_INSERTED = 4.0  # nucleotides at each of the two joins, Poisson
INSERTED_BASES = {"A": 0.2, "C": 0.3, "G": 0.32, "T": 0.18}

_BASES = "TCAG"
_AMINO_ACIDS = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODONS = dict(zip((a + b + c for a in _BASES for b in _BASES for c in _BASES), _AMINO_ACIDS, strict=True))


def translate(nucleotides: str) -> str:
    """Return the amino acids of a reading frame (standard genetic code); `*` is a stop codon."""
    return "".join(CODONS[nucleotides[i : i + 3]] for i in range(0, len(nucleotides), 3))


def draw_clones(rng: np.random.Generator, clones: int) -> pl.DataFrame:
    """Draw different productive beta chains.

    Parameters
    ----------
    rng
        Random stream.
    clones
        How many.

    Returns
    -------
    polars.DataFrame
        One row a clone, in the order drawn: `v_call`, `d_call`, `j_call` (IMGT, with allele), `junction`
        (nucleotides, in frame, no stop codon, from the cysteine to the phenylalanine) and `junction_aa`. No junction
        stands twice.
    """
    found: dict[str, tuple[str, str, str]] = {}
    while len(found) < clones:
        for junction, genes in _recombine(rng, 2 * clones + 100):
            if len(found) == clones:
                break
            if _productive(junction):
                found.setdefault(junction, genes)
    v, d, j = zip(*found.values(), strict=True)
    return pl.DataFrame(
        {
            "v_call": [f"{gene}*01" for gene in v],
            "d_call": [f"{gene}*01" for gene in d],
            "j_call": [f"{gene}*01" for gene in j],
            "junction": list(found),
            "junction_aa": [translate(junction) for junction in found],
        }
    )


def draw_frequencies(rng: np.random.Generator, clones: int, *, exponent: float, shift: float, spread: float) -> Floats:
    """Draw the shares of clones, largest expected first: ``(rank + shift) ** -exponent`` times log-normal noise.

    A shifted power law (Zipf-Mandelbrot) is the usual description of clone sizes, for instance
    Oakes and others, Front Immunol 2017;8:1267.

    Parameters
    ----------
    rng
        Random stream.
    clones
        How many.
    exponent, shift
        The larger the exponent and the smaller the shift, the more the first clones hold.
    spread
        Standard deviation of the natural logarithm of the noise.

    Returns
    -------
    numpy.ndarray
        `clones` fractions that sum to 1.
    """
    sizes = (np.arange(1.0, clones + 1) + shift) ** -exponent * rng.lognormal(0, spread, clones)
    return np.asarray(sizes / sizes.sum())


def _productive(junction: str) -> bool:
    if len(junction) % 3 or not 27 <= len(junction) <= 75:
        return False
    amino_acids = translate(junction)
    return amino_acids[0] == "C" and amino_acids[-1] == "F" and "*" not in amino_acids


def _recombine(rng: np.random.Generator, tries: int) -> list[tuple[str, tuple[str, str, str]]]:
    """Return junctions, productive or not, with their V, D and J gene."""
    v_names, j_names = list(V_GENES), list(J_GENES)
    v = rng.choice(len(v_names), tries, p=_shares([use for _, use in V_GENES.values()]))
    j = rng.choice(len(j_names), tries, p=_shares([use for _, use in J_GENES.values()]))
    second_d = rng.random(tries) < 0.5
    v_trim = rng.choice(len(V_TRIM), tries, p=_shares(V_TRIM))
    j_trim = rng.choice(len(J_TRIM), tries, p=_shares(J_TRIM))
    d_trim = rng.integers(0, D_TRIM, (tries, 2))
    inserted = rng.poisson(MEAN_INSERTED, (tries, 2))
    ends = inserted.sum(axis=1).cumsum()
    letters = "".join(rng.choice(list(INSERTED_BASES), int(ends[-1]), p=_shares(list(INSERTED_BASES.values()))))
    drawn = []
    for i in range(tries):
        v_name, j_name = v_names[v[i]], j_names[j[i]]
        # The second D gene lies behind the first J cluster, so only J genes of the second cluster can join it.
        d_name = "TRBD2" if second_d[i] and j_name.startswith("TRBJ2") else "TRBD1"
        v_end, j_start, d_all = V_GENES[v_name][0], J_GENES[j_name][0], D_GENES[d_name]
        middle = d_all[d_trim[i, 0] : len(d_all) - d_trim[i, 1]]
        random = letters[ends[i] - inserted[i].sum() : ends[i]]
        left, right = random[: inserted[i, 0]], random[inserted[i, 0] :]
        junction = v_end[: len(v_end) - v_trim[i]] + left + middle + right + j_start[j_trim[i] :]
        drawn.append((junction, (v_name, d_name, j_name)))
    return drawn


def _shares(weights: list[int] | list[float] | Floats) -> Floats:
    array = np.asarray(weights, dtype=np.float64)
    return array / array.sum()
