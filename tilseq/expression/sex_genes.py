"""Whether a library is of a man or a woman, by RPS4Y1 and XIST: one of the other sex than its subject is another's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

NAME = "sex by genes"
Y, X = "RPS4Y1", "XIST"
# In a million counts. Of eight real samples of T cells, of 2,000 genes, men's have 3,400 of RPS4Y1 or more and no XIST,
# women's 49 of XIST or more and no RPS4Y1. Reads of RPS4X may stray to RPS4Y1, so that of it more is asked.
LEAST = {Y: 20.0, X: 5.0}
FEWEST, TIMES = 10, 10
SEX = {Y: "male", X: "female"}


def sex_of(counts: Mapping[str, float], total: float) -> str | None:
    """Return the sex that the counts of a library tell, None where they tell none.

    Tumours may lose either gene; a library of two people has both.

    Parameters
    ----------
    counts
        Symbol → count of the library, RPS4Y1 and XIST among them if they are to tell.
    total
        Counts of all genes.
    """
    if not {Y, X} <= counts.keys():
        return None
    for gene, other in ((Y, X), (X, Y)):
        enough = counts[gene] >= max(FEWEST, LEAST[gene] * total / 1e6)
        if enough and counts[gene] >= TIMES * counts[other]:
            return SEX[gene]
    return None


def check_sex(sample: str, recorded: str | None, counts: Mapping[str, float], total: float) -> list[dict[str, Any]]:
    """Return a warning where a library is not of the sex that is recorded of its subject.

    Parameters
    ----------
    sample
        Sample identifier.
    recorded
        Sex of the subject as `subjects.csv` has it; none is checked but `male` and `female`.
    counts, total
        As for `sex_of`.

    Returns
    -------
    list of dict
        A row of the table `quality`, or none.
    """
    found = sex_of(counts, total)
    if found is None or recorded not in SEX.values() or found == recorded:
        return []
    reason = (
        f"{counts[Y]:,.0f} counts of {Y} and {counts[X]:,.0f} of {X} are those of a {found} library, and its subject "
        f"is {recorded}: is it of this subject? After a transplant it may be so"
    )
    limit = f"that of subjects.csv, {recorded}"
    return [{"sample": sample, "check": NAME, "limit": limit, "verdict": "warn", "reason": reason}]


def told_of_either_sex(
    counts: Any, genes: Sequence[str], samples: Sequence[str], subjects: Sequence[str | None]
) -> tuple[str, ...]:
    """Return a sentence on each subject whose libraries are of a man and of a woman, as where samples were exchanged.

    Parameters
    ----------
    counts
        Samples × genes, dense or scipy sparse.
    genes
        Symbol of each column.
    samples, subjects
        Of each row; a sample without a subject is not looked at.
    """
    places = {gene: place for place, gene in enumerate(genes) if gene in (Y, X)}
    sexes: dict[str, dict[str, str]] = {}
    for row, (sample, subject) in enumerate(zip(samples, subjects, strict=True)):
        own = counts[[row]]
        found = sex_of({gene: float(own[0, place]) for gene, place in places.items()}, float(own.sum()))
        if subject is not None and found is not None:
            sexes.setdefault(subject, {})[sample] = found
    return tuple(
        f"samples of {subject} are of either sex by {Y} and {X} ({', '.join(map(' '.join, of.items()))}): are all of "
        "this subject? After a transplant it may be so"
        for subject, of in sexes.items()
        if len({*of.values()}) > 1
    )
