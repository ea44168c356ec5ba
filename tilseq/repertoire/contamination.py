"""Contamination between the samples of a study: leaks within a run, swapped samples, files that stand there twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tilseq.repertoire.hopping import leak_rates
from tilseq.repertoire.identity import Locus, Support, loci_of, over_loci, supports, true_subjects
from tilseq.repertoire.libraries import Libraries, libraries_of
from tilseq.repertoire.suspicious import suspicious_clones
from tilseq.tables import conform
from tilseq.tables.contamination import SAMPLE_IDENTITY, SHARED_PAIRS

SHALLOW = 0.05  # of the usual counts, a round figure
FEWEST_BESIDE = 2  # libraries of a run whose median is usual


@dataclass(frozen=True)
class Contamination:
    """What samples of different subjects share, and what follows.

    Attributes
    ----------
    samples
        The table `sample_identity`: whose clones each sample holds.
    pairs
        The table `shared_pairs`: what each two samples share, against chance.
    rates
        The table `leak_rates`: how much leaks within each run.
    clones
        The table `suspicious_clones`: clones that may have leaked, each with a verdict.
    """

    samples: pl.DataFrame
    pairs: pl.DataFrame
    rates: pl.DataFrame
    clones: pl.DataFrame


def contamination(
    samples: Mapping[str, Any],
    *,
    subjects: Mapping[str, str],
    runs: Mapping[str, str | None] | None = None,
    count_of: Mapping[str, str] | None = None,
) -> Contamination:
    """Tell leaks within a run, swapped samples and twin files by the clones that samples share; nothing is removed.

    Clones are the same by locus and nucleotide junction. In this order:

    1. What people share by chance at each locus is learnt from samples of different subjects, of different runs where
       there are enough, robustly (`chance_sharing`). It holds public clones, of which a subject's samples of every run
       have like shares.
    2. Whose clones a sample holds: samples agree where they share more than that (`identity`).
    3. With swapped samples set right, what leaks in each run: large clones of one subject seen in another's sample at a
       small share of their count (`hopping`).
    4. Each clone that another subject of the run holds in a greater number gets a verdict (`suspicious`).
    5. Samples that agree with another subject's beyond the leaks that were found are told as mixed.

    In a trial without a fault any pair is accused in about 1 trial of 100.

    Parameters
    ----------
    samples
        Sample → clonotype table, polars or pandas: `locus`, `junction`, `duplicate_count`.
    subjects
        Sample → subject that it is said to be of.
    runs
        Sample → sequencing run; of a sample without one nothing is told of leaks.
    count_of
        Sample → what its counts count, as `cells` or `reads`: only like counts tell that a library is far shallower
        than others.

    Returns
    -------
    Contamination
        Four tables; a locus that one of two samples lacks has no row in `pairs`.

    Raises
    ------
    AnalysisError
        A sample has no subject, or a subject or run is given of a sample that there is not.
    TableError
        A table is not a clonotype table.
    """
    libraries = libraries_of(samples, subjects, runs)
    labelled = libraries.beside(libraries.subjects)
    loci = loci_of(libraries, labelled["may_leak"])
    chance = {name: locus.chance for name, locus in loci.items()}
    true = true_subjects(libraries.subjects, *over_loci(list(loci.values()), len(libraries.names)))
    beside = libraries.beside(true) if tuple(true) != libraries.subjects else labelled
    rates = leak_rates(libraries, beside, true, chance)
    clones = suspicious_clones(libraries, beside, rates, chance)
    leaked = _leaked(libraries, clones)
    beyond = loci_of(libraries, labelled["may_leak"] | leaked) if leaked.any() else loci
    kinds = [(count_of or {}).get(name) for name in libraries.names]
    rates = _with_kinds(rates, libraries, true, kinds)
    return Contamination(
        samples=_identities(libraries, true, loci, beyond, rates, kinds),
        pairs=_pairs(libraries, true, loci, beyond, rates),
        rates=rates,
        clones=clones,
    )


def _with_kinds(
    rates: pl.DataFrame, libraries: Libraries, true: Sequence[str], kinds: Sequence[str | None]
) -> pl.DataFrame:
    """Return `leak_rates` with what the counts behind each rate are of; several kinds have a comma between them."""
    places = list(zip(libraries.names, libraries.runs, true, kinds, strict=True))
    told = []
    for run, donor, recipient in rates.select("run", "donor_subject", "recipient").iter_rows():
        found = {
            kind
            for name, of, whose, kind in places
            if of == run and (donor is None or whose == donor or name == recipient)
        }
        told.append(None if None in found else ", ".join(sorted(kind for kind in found if kind)))
    return rates.with_columns(count_of=pl.Series(told, dtype=pl.String))


def _leaked(libraries: Libraries, clones: pl.DataFrame) -> pl.Series:
    """Return whether each of the shared rows is a clone that leaked."""
    found = clones.filter(verdict="leak").rename({"sample": "name"}).join(libraries.places, on="name")
    found = found.select("sample", "locus", "junction", leaked=pl.lit(True))
    rows = libraries.shared.join(found, on=("sample", "locus", "junction"), how="left", maintain_order="left")
    return rows["leaked"].fill_null(False)


def _leaking(libraries: Libraries, true: Sequence[str], rates: pl.DataFrame) -> NDArray[np.bool_]:
    """Return whether a leak was found between two libraries of a run, in either direction."""
    found = set(rates.filter(verdict="leak").drop_nulls("recipient").select("run", "donor_subject", "recipient").rows())
    into = np.zeros((len(true), len(true)), bool)
    for i, (name, run) in enumerate(zip(libraries.names, libraries.runs, strict=True)):
        for j, donor in enumerate(true):
            into[i, j] = libraries.runs[j] == run and (run, donor, name) in found
    return np.asarray(into | into.T)


def _pairs(
    libraries: Libraries,
    true: Sequence[str],
    loci: Mapping[str, Locus],
    beyond: Mapping[str, Locus],
    rates: pl.DataFrame,
) -> pl.DataFrame:
    """Return the table `shared_pairs`."""
    names = pl.Series(list(libraries.names), dtype=pl.String)
    labels, runs = np.array(libraries.subjects, dtype=object), np.array(libraries.runs, dtype=object)
    swapped = labels != np.array(true, dtype=object)
    leaking = _leaking(libraries, true, rates)
    frames = [SHARED_PAIRS.frame()]
    for name, locus in loci.items():
        a, b = np.nonzero(np.triu(locus.has))
        same, agree = labels[a] == labels[b], locus.agree[a, b]
        leak = leaking[a, b] | ~beyond[name].agree[a, b]
        verdict = np.select(
            [
                np.array([int(j) in libraries.identical.get(int(i), ()) for i, j in zip(a, b, strict=True)], bool),
                same & agree,
                same & locus.compared[a, b],
                same,
                agree & (swapped[a] | swapped[b]),
                (agree & leak) | (leaking[a, b] & (locus.shared[a, b] > locus.tested[a, b])),
                agree,
            ],
            ["duplicate", "agree", "disagree", "cannot_tell", "swap", "leak", "excess"],
            "chance",
        )
        known = np.array([x is not None and y is not None for x, y in zip(runs[a], runs[b], strict=True)], bool)
        one_run = pl.Series((runs[a] == runs[b]).astype(bool))
        frame = pl.DataFrame(
            {
                "sample_a": names.gather(a),
                "sample_b": names.gather(b),
                "locus": [name] * len(a),
                "same_subject": same.astype(bool),
                "same_run": pl.select(pl.when(pl.Series(known)).then(one_run)).to_series(),
                "shared": locus.shared[a, b].astype(int),
                "tested": locus.tested[a, b].astype(int),
                "expected": locus.expected[a, b],
                "p": locus.p[a, b],
                "verdict": verdict.astype(str).tolist(),
            },
            schema=SHARED_PAIRS.schema,
        )
        frames.append(frame)
    return conform(pl.concat(frames), SHARED_PAIRS)


def _identities(
    libraries: Libraries,
    true: Sequence[str],
    loci: Mapping[str, Locus],
    beyond: Mapping[str, Locus],
    rates: pl.DataFrame,
    count_of: Sequence[str | None],
) -> pl.DataFrame:
    """Return the table `sample_identity`."""
    n = len(libraries.names)
    agree, compared = over_loci(list(loci.values()), n)
    still, _ = over_loci(list(beyond.values()), n)
    depths = _depths(libraries, count_of)
    arrived = _arrived(libraries, true, rates)
    rows: list[dict[str, Any]] = []
    for i, name in enumerate(libraries.names):
        label = libraries.subjects[i]
        around = [*true[:i], label, *true[i + 1 :]]  # as labelled itself, among samples set right
        own, other = supports(i, around, agree, compared)
        _, mixed = supports(i, around, still, compared | still)
        verdict = _verdict(true[i] != label, i in libraries.identical, own, other, mixed)
        content = {"as_labelled": label, "mixed": label, "swapped": true[i]}.get(verdict)
        if verdict == "duplicate" and (own.agree or true[i] != label):
            content = true[i]
        twins = [libraries.names[j] for j in libraries.identical.get(i, ())]
        shown = mixed if verdict == "mixed" else other
        rows.append(
            {
                "sample": name,
                "subject": label,
                "run": libraries.runs[i],
                **depths[i],
                "own_compared": own.compared,
                "own_agree": own.agree,
                "other_subject": shown.subject if shown else None,
                "other_compared": shown.compared if shown else 0,
                "other_agree": shown.agree if shown else 0,
                "arrived": arrived.get(name, 0.0),
                "content_of": content,
                "verdict": verdict,
                "reason": _reason(verdict, own, shown, content, twins, depths[i]["depth"] == "shallow"),
            }
        )
    return SAMPLE_IDENTITY.frame(rows)


def _verdict(moved: bool, twin: bool, own: Support, other: Support | None, mixed: Support | None) -> str:
    """Return the verdict on a sample from what supports its subject and another."""
    if twin:
        return "duplicate"
    if moved:
        return "swapped"
    if own.agree:
        return "mixed" if mixed is not None and mixed.most else "as_labelled"
    if other is not None or own.compared == 1:
        return "conflict"
    return "agrees_with_none" if own.compared else "cannot_tell"


def _reason(
    verdict: str, own: Support, other: Support | None, content: str | None, twins: Sequence[str], shallow: bool
) -> str:
    """Return why, in a sentence."""
    of_own = f"{own.agree} of {own.compared} samples of {own.subject} that it can be compared with"
    of_other = f"{other.agree} of {other.compared} of {other.subject}" if other else "none of another subject"
    told = {
        "duplicate": f"the same clones and shares as {', '.join(twins)}"
        + (f"; they are those of {content}" if content else ""),
        "swapped": f"agrees with {of_own}, and with {of_other}: it holds clones of {content}",
        "mixed": f"agrees with {of_own}, and beyond what leaks with {of_other}: it holds clones of both",
        "conflict": f"agrees with {of_own}, and with {of_other}: it or those may be swapped, which cannot be told",
        "agrees_with_none": f"agrees with {of_own}, and with {of_other}: whose clones it holds is not known",
        "as_labelled": f"agrees with {of_own}",
        "cannot_tell": "there is no sample of its subject that it can be compared with, and it agrees with "
        "none of another",
    }[verdict]
    return told + (f"; far shallower than {'others of its run' if shallow else ''}" if shallow else "")


def _depths(libraries: Libraries, count_of: Sequence[str | None]) -> list[dict[str, Any]]:
    """Return clones, counts, the usual counts and whether each library is far shallower, at its deepest locus.

    Usual is the median of the other libraries of its run that hold the locus and count the same, of all others where it
    has no run or fewer than two beside it.
    """
    sizes = libraries.sizes
    sums = {row[0]: row[1:] for row in sizes.group_by("sample").agg(pl.col("clones", "counts").sum()).iter_rows()}
    found = []
    for i, run in enumerate(libraries.runs):
        clones, counts = sums.get(i, (0, 0))
        deepest = sizes.filter(sample=i).sort("counts", descending=True).head(1)
        here = sizes.filter(locus=deepest["locus"][0]) if deepest.height else sizes.clear()
        alike = [j for j, kind in enumerate(count_of) if kind == count_of[i] and j != i]
        here = here.filter(pl.col("sample").is_in(alike))
        of_run = here.filter(
            pl.Series([run is not None and libraries.runs[j] == run for j in here["sample"]], dtype=pl.Boolean)
        )
        beside = of_run if of_run.height >= FEWEST_BESIDE else here
        usual = beside["counts"].median()
        shallow = usual is not None and int(deepest["counts"][0]) < SHALLOW * float(str(usual))
        found.append(
            {
                "clones": clones,
                "counts": counts,
                "usual_counts": usual,
                "depth": ("shallow" if shallow else "usual") if usual is not None else None,
            }
        )
    return found


def _arrived(libraries: Libraries, true: Sequence[str], rates: pl.DataFrame) -> dict[str, float]:
    """Return the counts that leaked into each library: of each donor found, its rate times all of its counts."""
    of_subject: dict[tuple[str | None, str], int] = {}
    for place, counts in libraries.sizes.group_by("sample").agg(pl.col("counts").sum()).iter_rows():
        key = (libraries.runs[place], true[place])
        of_subject[key] = of_subject.get(key, 0) + counts
    found: dict[str, float] = {}
    for run, donor, name, rate in (
        rates.filter(verdict="leak").drop_nulls("recipient").select("run", "donor_subject", "recipient", "rate").rows()
    ):
        found[name] = found.get(name, 0.0) + rate * of_subject[run, donor]
    return found
