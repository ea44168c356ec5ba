"""Junctions: what they code for, and where they lie in a longer read."""

from __future__ import annotations

from itertools import product

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.receptors import GENETIC_CODE

NOT_A_BASE = 4
AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
MOST_CHECKED = 20_000
AT_ONCE = 50_000  # junctions whose letters stay in cache


def _tables() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the number of each byte (A, C, G, T or not a base), and the amino acid of each three numbers."""
    bases = np.full(256, NOT_A_BASE, np.uint8)
    bases[list(b"ACGT")] = range(4)
    bases[list(b"acgt")] = range(4)
    amino = np.full((5, 5, 5), ord("X"), np.uint8)
    for letter, codon in zip(GENETIC_CODE, product(range(4), repeat=3), strict=True):
        amino[codon] = ord(letter)
    return bases, amino.ravel()


BASES, AMINO = _tables()


def plain_bases(text: pl.Series) -> pl.Series:
    """Return of each sequence whether it is of the letters A, C, G, T alone; not of a null or an empty one."""
    pieces = range(0, max(len(text), 1), AT_ONCE)
    return pl.concat([_plain_bases(text[start : start + AT_ONCE]) for start in pieces])


def _plain_bases(text: pl.Series) -> pl.Series:
    # Few rows have another letter: the bytes of many are compared three times faster than rows are matched one by one.
    if text.null_count() == 0 and (text != "").all():
        letters = np.frombuffer(text.str.join("").cast(pl.Binary)[0], np.uint8)
        if sum(np.count_nonzero(letters == base) for base in b"ACGT") == len(letters):
            return pl.repeat(True, len(text), dtype=pl.Boolean, eager=True)
    return text.str.contains("^[ACGT]+$").fill_null(False)


def plain_amino_acids(text: pl.Series) -> pl.Series:
    """Return of each junction whether it has its C and F/W anchor and no letter that is no amino acid."""
    return text.str.contains(f"^C[{AMINO_ACIDS}]*[FW]$").fill_null(False)


def translated(junctions: pl.Series) -> pl.Series:
    """Return the amino acids that nucleotide sequences code for, by the standard code.

    `*` is a stop, `X` a codon with another letter than A, C, G, T, and `_` stands at the end of a sequence that is no
    whole number of codons. A null stays null.
    """
    text = junctions.fill_null("")
    spare = text.str.len_chars() % 3
    whole = text.str.head(text.str.len_chars() - spare) if spare.sum() else text
    codons = BASES[np.frombuffer("".join(whole).encode("ascii", "replace"), np.uint8)].reshape(-1, 3).astype(np.int16)
    amino = AMINO[codons @ np.array([25, 5, 1], np.int16)].tobytes().decode()
    ends = (whole.str.len_chars() // 3).cum_sum().to_list()
    parts = [amino[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
    found = pl.Series(junctions.name, parts, pl.String)
    frame = pl.DataFrame({"found": found, "spare": spare, "given": junctions.is_not_null()})
    odd = pl.when(pl.col("spare") > 0).then(pl.col("found") + "_").otherwise("found")
    return frame.select(pl.when("given").then(odd).alias(junctions.name)).to_series()


def cut_junctions(rows: pl.DataFrame) -> pl.DataFrame:
    """Cut the junction out of reads that hold more than it; `read` becomes `junction`.

    By `cut_start` (counted from 0) and `cut_length` where the file has both, else where the read codes for
    `junction_aa` in one place alone. A junction that does not lie whole in its read is null.

    Parameters
    ----------
    rows
        `read`, `junction_aa`; `cut_start` and `cut_length` (text) where the file has them.
    """
    if {"cut_start", "cut_length"} <= set(rows.columns):
        numbers = [pl.col(name).cast(pl.Int64, strict=False) for name in ("cut_start", "cut_length")]
        whole = (numbers[0] >= 0) & (numbers[1] > 0) & (numbers[0] + numbers[1] <= pl.col("read").str.len_chars())
        # A start before the read would otherwise count from its end.
        cut = pl.when(whole).then(pl.col("read").str.slice(numbers[0].clip(0), numbers[1].clip(0)))
        return rows.with_columns(junction=cut)
    wanted = rows["junction_aa"].fill_null("")
    places = []
    for frame in range(3):
        amino = pl.DataFrame({"amino": translated(rows["read"].str.slice(frame)), "wanted": wanted})
        first = pl.col("amino").str.find(pl.col("wanted"), literal=True)
        once = pl.col("amino").str.slice(first + 1).str.find(pl.col("wanted"), literal=True).is_null()
        place = pl.when((pl.col("wanted") != "") & first.is_not_null())
        places.append(amino.select(place.then(pl.when(once).then(first.cast(pl.Int64) * 3 + frame).otherwise(-1))))
    found = pl.concat([place.to_series().alias(str(i)).to_frame() for i, place in enumerate(places)], how="horizontal")
    alone = found.select(
        pl.when(pl.sum_horizontal(pl.all().is_not_null()) == 1).then(pl.max_horizontal(pl.all())).alias("start")
    ).to_series()
    start = pl.when(pl.col("start") >= 0).then("start")
    return (
        rows.with_columns(alone)
        .with_columns(
            junction=pl.when(start.is_not_null()).then(
                pl.col("read").str.slice(start.fill_null(0), pl.col("junction_aa").str.len_chars() * 3)
            )
        )
        .drop("start")
    )


def mismatch(rows: pl.DataFrame) -> tuple[int, int | None]:
    """Return how many junctions do not code for the amino acids beside them, and the first such row.

    Looked at are junctions without ambiguous letters: whether there are three bases an amino acid in all of them, and
    what they code for in the first 20,000 of which that holds, as a column that is shifted shows at once.
    """
    rows = rows.select("row", "junction", "junction_aa")
    codes = pl.col("junction").str.len_bytes() == 3 * pl.col("junction_aa").str.len_bytes()
    letters = pl.col("junction_aa").str.contains(f"^[{AMINO_ACIDS}]+$") & pl.col("junction").str.contains("^[ACGT]+$")
    looked_at = rows.clear()
    for part in rows.iter_slices(MOST_CHECKED):
        looked_at = looked_at.vstack(part.filter(codes).filter(letters))
        if looked_at.height >= MOST_CHECKED:
            break
    looked_at = looked_at.head(MOST_CHECKED)
    wrong = looked_at.filter(translated(looked_at["junction"]) != looked_at["junction_aa"])
    wrong = wrong.vstack(rows.filter(~codes).filter(letters)).sort("row")
    return wrong.height, wrong["row"][0] if wrong.height else None
