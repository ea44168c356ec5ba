"""Gene sets tested in counts of a trial, contrast by contrast."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypedDict

import numpy as np
import polars as pl

from tilseq.errors import AnalysisError
from tilseq.expression.camera import camera
from tilseq.expression.contrasts import (
    LEFT_OUT_SCHEMA,
    Contrast,
    checked_design,
    combination_rows,
    parse_contrast,
    subject_contrasts,
    without_pair,
)
from tilseq.expression.enrichment import Enrichment, one_family
from tilseq.expression.gene_order import Floats, checked_differences
from tilseq.expression.normalise import checked_counts
from tilseq.expression.prepared_counts import prepared_counts
from tilseq.expression.preranked import preranked
from tilseq.expression.sample_design import match_samples, refuse_copies
from tilseq.expression.set_members import LARGEST, SMALLEST
from tilseq.expression.sign_flip_gsea import sign_flip_gsea
from tilseq.expression.sign_flips import RANDOM_FLIPS, moderated_t

Method = Literal["sign_flip", "camera", "preranked"]
METHODS: tuple[Method, ...] = ("sign_flip", "camera", "preranked")
SEED = 1


class Limits(TypedDict):
    """Fewest and most genes of a set."""

    smallest: int
    largest: int


class TrialEnrichment(NamedTuple):
    """Gene sets tested in one or more contrasts.

    Attributes
    ----------
    table
        Table `enrichment`, corrected within families over all contrasts.
    left_out
        `contrast, what, name, reason`: each subject without a pair and each contrast that cannot be tested; `what`
        says which it is.
    told
        `contrast, what` in sentences: how many genes were left out and why, how ties are ordered.
    """

    table: pl.DataFrame
    left_out: pl.DataFrame
    told: tuple[tuple[str, str], ...]


class Differences(NamedTuple):
    """Differences within subjects.

    Attributes
    ----------
    values
        Subjects × genes, log2 counts per million.
    genes, subjects
        Of the columns and rows.
    left_out
        `subject, reason`.
    told
        What was left out, in a sentence.
    """

    values: Floats
    genes: tuple[str, ...]
    subjects: tuple[str, ...]
    left_out: pl.DataFrame
    told: tuple[str, ...]


def gsea(
    counts: Any,
    genes: Sequence[str],
    samples: Sequence[str],
    design: Any,
    contrasts: str | Contrast | Sequence[str | Contrast],
    sets: Mapping[str, Sequence[str]],
    *,
    method: Method = "sign_flip",
    families: Mapping[str, str] | None = None,
    seed: int = SEED,
    smallest: int = SMALLEST,
    largest: int = LARGEST,
    random_flips: int = RANDOM_FLIPS,
) -> TrialEnrichment:
    """Test gene sets in counts of bulk RNA or pseudobulk, within subjects.

    Parameters
    ----------
    counts
        Samples × genes, raw counts, dense or scipy sparse.
    genes, samples
        Symbol of each column, name of each row.
    design
        One row a sample: `sample, subject` and the factors of the contrasts.
    contrasts
        One or more, as ``visit:D28/product``.
    sets
        Name of each set to its genes.
    method
        ``sign_flip`` (confirmatory), ``camera`` (too few subjects for flips) or ``preranked`` (exploration, by the
        moderated t).
    families
        Set → family of tests; by default all sets in all contrasts are one.
    seed
        Of random flips and of preranked.
    smallest, largest
        Fewest and most genes of a set among those ranked.
    random_flips
        Of more than 12 subjects.

    Returns
    -------
    TrialEnrichment
        A contrast that cannot be tested does not stop the others.

    Raises
    ------
    AnalysisError
        Counts or design are not as they must be, or no contrast can be tested (the error of the first).
    """
    listed = [contrasts] if isinstance(contrasts, str | Contrast) else list(contrasts)
    parsed = [parse_contrast(one) if isinstance(one, str) else one for one in listed]
    values = checked_counts(counts, samples, genes)
    rows = match_samples(design, samples)
    tables: list[pl.DataFrame] = []
    left_out: list[dict[str, str]] = []
    told: list[tuple[str, str]] = []
    errors: list[AnalysisError] = []
    for contrast in dict.fromkeys(parsed):
        name = str(contrast)
        try:
            found = count_differences(values, genes, rows, contrast)
            left_out += [
                {"contrast": name, "what": "subject", "name": subject, "reason": reason}
                for subject, reason in found.left_out.iter_rows()
            ]
            limits = Limits(smallest=smallest, largest=largest)
            tested = _test(found, sets, name, method, seed, limits, random_flips)
        except AnalysisError as error:
            errors.append(error)
            left_out.append({"contrast": name, "what": "contrast", "name": name, "reason": str(error)})
            continue
        tables.append(tested.table)
        told += [(name, sentence) for sentence in (*found.told, *tested.told)]
    if not tables:
        raise errors[0] if errors else AnalysisError("there is no contrast to test")
    return TrialEnrichment(one_family(tables, families), pl.DataFrame(left_out, schema=LEFT_OUT_SCHEMA), tuple(told))


def count_differences(counts: Floats, genes: Sequence[str], design: pl.DataFrame, contrast: Contrast) -> Differences:
    """Return the contrast of log2 counts per million within each subject that has all its samples.

    Libraries are scaled by trimmed means (TMM) and genes kept that are counted enough (`prepared_counts`), both of the
    contrast's own samples, so that samples of other visits change nothing.

    Parameters
    ----------
    counts
        Samples × genes, raw.
    genes
        Symbol of each column, unique.
    design
        One row a sample, in the order of the counts.
    contrast
        As `parse_contrast` gives it.

    Raises
    ------
    AnalysisError
        The design does not fit, or no subject has all samples of the contrast; as `prepared_counts`.
    """
    design = checked_design(design, contrast, len(counts))
    held = combination_rows(design, contrast)
    left_out = without_pair(held, contrast)
    gone = set(left_out["subject"])
    codes = {levels: code for code, levels in enumerate(contrast.signs)}
    level = {row: codes[key] for subject, of in held.items() if subject not in gone for key, row in of.items()}
    used = sorted(level)
    if not used:
        reasons = dict(left_out.iter_rows())
        found = "; ".join(f"{subject}: {reason}" for subject, reason in list(reasons.items())[:5])
        raise AnalysisError(f"no subject has all samples of {contrast}", found=found)
    refuse_copies(counts, design["sample"].to_list(), used)
    ready = prepared_counts(counts, genes, used, np.array([level[row] for row in used]))
    within = subject_contrasts(ready.log_cpm, design[used], contrast)
    few = Counter(ready.left_out.values())
    told = tuple(f"genes left out, {reason}: {number} of {len(genes)}" for reason, number in few.items())
    return Differences(within.differences, ready.genes, within.subjects, left_out, told)


def _test(
    found: Differences,
    sets: Mapping[str, Sequence[str]],
    contrast: str,
    method: Method,
    seed: int,
    limits: Limits,
    random_flips: int,
) -> Enrichment:
    if method == "sign_flip":
        return sign_flip_gsea(
            found.values, found.genes, sets, contrast=contrast, seed=seed, random_flips=random_flips, **limits
        )
    if method == "camera":
        return camera(found.values, found.genes, sets, contrast=contrast, **limits)
    if method != "preranked":
        raise AnalysisError("no such method", found=method, expected=", ".join(METHODS))
    ready = checked_differences(found.values, found.genes)
    t = next(moderated_t(ready.values, np.ones((1, len(ready.values)))))[0]
    tested = preranked(t, ready.genes, sets, seed=seed, contrast=contrast, **limits)
    return Enrichment(tested.table, ready.told + tested.told)
