"""Somatic hypermutation: how far the V region of each sequence, and of a repertoire, is from its germline."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.errors import TableError
from tilseq.receptors import GENETIC_CODE
from tilseq.repertoire.isotypes import isotype_class
from tilseq.tables import as_polars
from tilseq.tables.repertoire import MUTATION_LOAD

Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]
Integers = NDArray[np.int64]

ALIGNED = ("sequence_alignment", "germline_alignment")
NOT_A_BASE = 4
STOP = ord("*")
V_END = 312  # of IMGT's numbering of V regions, in nucleotides (Lefranc and others, Dev Comp Immunol 2003;27:55)
JUNCTION = 309  # where the junction begins there, with the second cysteine, from 0
BEYOND_V = 330  # bases of an alignment that ends behind V, and should hold the junction
CDRS = ((78, 114), (165, 195))  # CDR1 and CDR2 there, from 0
ROWS_AT_ONCE = 20_000


def mutations(table: Any) -> pl.DataFrame:
    """Return the mutations of each sequence against its germline.

    A mutation is a base that differs from the germline's where both are A, C, G or T. It is a replacement or silent by
    the amino acid that the germline's codon would code for with this base alone changed; one in a codon of which the
    germline does not know all bases, one from or to a stop codon, and one in a codon that the end of a sequence cuts
    is not counted. Counts are those of shazam's `observedMutations`.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence: `sequence_alignment` and `germline_alignment`, aligned by IMGT's numbering
        from the first base of V, the germline best with its D region and N bases masked by N; `v_identity`, a share.
        Each may be absent or null. Further columns are kept, but for those that bear the name of a result.

    Returns
    -------
    polars.DataFrame
        The table in its order, without the alignments, with

        - `bases`: bases compared, in whole codons; `mutations`: those that count; `mutation_frequency`: their share,
          null without bases;
        - `cdr_bases, cdr_replacement, cdr_silent, fwr_bases, fwr_replacement, fwr_silent`: the same of V alone, CDR1
          and CDR2 against framework 1 to 3;
        - `v_identity`: share of V's bases compared that do not differ, counted or not; the file's own where the
          alignment or its bases are absent;
        - `identity_source`: `alignment` or `file`, null where there is no identity.

    Raises
    ------
    TableError
        An alignment is not ASCII, or a `v_identity` is no share.
    """
    frame = as_polars(table)
    for name in ALIGNED:
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(None, pl.String).alias(name))
    if "v_identity" not in frame.columns:
        frame = frame.with_columns(v_identity=pl.lit(None, pl.Float64))
    strange = frame.filter(~pl.col("v_identity").is_between(0, 1))
    if strange.height:
        raise TableError("an identity is a share", column="v_identity", found=strange["v_identity"][0], expected="0..1")
    parts = [_counted(frame.slice(start, ROWS_AT_ONCE)) for start in range(0, max(frame.height, 1), ROWS_AT_ONCE)]
    counted = pl.concat(parts)
    frame = frame.drop(*ALIGNED, *set(frame.columns).intersection(counted.columns)).hstack(counted)
    known = pl.col("v_compared") > 0
    frame = frame.with_columns(
        mutation_frequency=pl.when(pl.col("bases") > 0).then(pl.col("mutations") / pl.col("bases")),
        identity_source=pl.when(known)
        .then(pl.lit("alignment"))
        .when(pl.col("v_identity").is_not_null())
        .then(pl.lit("file")),
        v_identity=pl.when(known).then(1 - pl.col("v_differing") / pl.col("v_compared")).otherwise("v_identity"),
    )
    return frame.drop("v_compared", "v_differing")


def misaligned(table: Any) -> int:
    """Return how many sequences have another junction than theirs in their alignment, from IMGT's base 310 on.

    Alignments that end with V, and sequences without a junction, are not looked at.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence: `junction` and `sequence_alignment`, which may be absent.
    """
    frame = as_polars(table)
    if ALIGNED[0] not in frame.columns:
        return 0
    seen, junction = pl.col(ALIGNED[0]).cast(pl.String).str.to_uppercase(), pl.col("junction").str.to_uppercase()
    other = seen.str.slice(JUNCTION, junction.str.len_chars()) != junction
    return frame.filter(seen.str.len_chars() >= BEYOND_V, other).height


def mutation_load(table: Any, *, sample: str) -> pl.DataFrame:
    """Return how mutated a repertoire is: mean and median frequency of mutations, of all families and by isotype.

    A family counts once, by the mean of its sequences: its members share mutations and are no independent
    observations, and a large family would stand for all. Limits of the mean are Student's over families; they need two.

    Parameters
    ----------
    table
        polars or pandas, one row a sequence: `locus`, `mutation_frequency`, `c_call` and `family_id`; sequences without
        a frequency are let be, and one without a family is one of its own.
    sample
        Sample identifier.

    Returns
    -------
    polars.DataFrame
        The table `mutation_load`: `sample, locus, isotype, sequences, families, mean_frequency, lower, upper,
        median_frequency`; `isotype` reads `all`, or a class such as `IGHG` (of a family in several, in each).
    """
    frame = as_polars(table).filter(pl.col("mutation_frequency").is_not_null()).with_row_index("number")
    own = pl.coalesce(pl.col("family_id"), pl.format("sequence {}", "number"))
    frame = frame.with_columns(own.alias("family_id"), isotype=isotype_class("c_call"))
    every = frame.with_columns(isotype=pl.lit("all"))
    both = pl.concat([every, frame.filter(pl.col("isotype").is_not_null())])
    families = both.group_by("locus", "isotype", "family_id").agg(pl.col("mutation_frequency").mean(), pl.len())
    rows = [
        {"sample": sample, "locus": locus, "isotype": isotype, "sequences": group["len"].sum()}
        | _mean(group["mutation_frequency"].sort())
        for (locus, isotype), group in families.group_by("locus", "isotype")
    ]
    return MUTATION_LOAD.frame(rows)


def _mean(values: pl.Series) -> dict[str, Any]:
    """Return number, mean with Student's limits, and median; a frequency below 0 is none."""
    from scipy.special import stdtrit

    number, mean = len(values), float(values.to_numpy().mean())
    found = {"families": number, "mean_frequency": mean, "median_frequency": values.median()}
    if number < 2:
        return found
    reach = float(stdtrit(number - 1, 0.975)) * float(values.to_numpy().std(ddof=1)) / sqrt(number)
    return found | {"lower": max(0.0, mean - reach), "upper": min(1.0, mean + reach)}


def _counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the counts of some rows; null where an alignment is absent."""
    texts = [rows[name].fill_null("").str.to_uppercase() for name in ALIGNED]
    lengths = [text.str.len_bytes().to_numpy().astype(np.int64) for text in texts]
    longer = np.maximum(*lengths)
    width = max(V_END, (int(longer.max(initial=0)) + 2) // 3 * 3)
    seen, germline = (_bases(text, length, width) for text, length in zip(texts, lengths, strict=True))
    germline[np.arange(width) >= np.minimum(*lengths)[:, None]] = NOT_A_BASE  # no more of it is known than was seen
    both = (seen != NOT_A_BASE) & (germline != NOT_A_BASE)
    counted = both & (np.arange(width) < (longer // 3 * 3)[:, None])
    replacement, silent = _kinds(seen, germline, counted & (seen != germline))
    cdr = np.zeros(width, bool)
    for start, end in CDRS:
        cdr[start:end] = True
    v = np.arange(width) < V_END
    numbers = {
        "bases": counted.sum(axis=1),
        "mutations": (replacement | silent).sum(axis=1),
        "v_compared": (both & v).sum(axis=1),
        "v_differing": (both & v & (seen != germline)).sum(axis=1),
    }
    for name, region in (("cdr", cdr), ("fwr", v & ~cdr)):
        numbers[f"{name}_bases"] = (both & region).sum(axis=1)
        numbers[f"{name}_replacement"] = (replacement & region).sum(axis=1)
        numbers[f"{name}_silent"] = (silent & region).sum(axis=1)
    aligned = rows.select(pl.all_horizontal(pl.col(ALIGNED).is_not_null())).to_series()
    frame = pl.DataFrame(numbers, schema=dict.fromkeys(numbers, pl.Int64))
    return frame.with_columns(pl.when(aligned).then(pl.col(name)).alias(name) for name in numbers)


def _bases(text: pl.Series, lengths: Integers, width: int) -> Bytes:
    """Return sequences as rows of the numbers of their bases, what is no base or beyond the end as `NOT_A_BASE`."""
    joined = "".join(text)
    if not joined.isascii():
        strange = text.filter(text.str.len_bytes() != text.str.len_chars())[0]
        raise TableError("an alignment holds letters only", column=text.name, found=strange)
    number = np.full(256, NOT_A_BASE, np.uint8)
    number[list(b"ACGT")] = range(4)
    rows = np.full((len(text), width), NOT_A_BASE, np.uint8)
    rows[np.arange(width) < lengths[:, None]] = number[np.frombuffer(joined.encode(), np.uint8)]
    return rows


def _kinds(seen: Bytes, germline: Bytes, differs: Flags) -> tuple[Flags, Flags]:
    """Return where a difference is a replacement and where it is silent."""
    code = np.frombuffer(GENETIC_CODE.encode(), np.uint8)
    row, place = np.nonzero(differs)
    codon = germline[row[:, None], (place // 3 * 3)[:, None] + np.arange(3)]
    changed = codon.copy()
    changed[np.arange(len(row)), place % 3] = seen[row, place]
    known = (codon != NOT_A_BASE).all(axis=1)
    weights = np.array([16, 4, 1])
    before, after = (code[np.where(known[:, None], bases, 0) @ weights] for bases in (codon, changed))
    known &= (before != STOP) & (after != STOP)
    replacement, silent = np.zeros_like(differs), np.zeros_like(differs)
    replacement[row, place] = known & (before != after)
    silent[row, place] = known & (before == after)
    return replacement, silent
