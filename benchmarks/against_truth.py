"""Whole runs held against the simulator's truth: values, limits and statuses of every endpoint that has one.

`python -m benchmarks.against_truth [TRIALS [SUBJECTS]]`: trials of all laboratories (4) of so many subjects (6), preset
seeds, each simulated and run from its raw files as a user would. `… STUDY,OUT …` compares runs that are there already.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.truth import (
    NUMBERS,
    WORDS,
    Run,
    bcells,
    clinic,
    cytokines,
    diversity,
    expression,
    flow,
    joined,
    kinetics,
    repertoire,
)
from benchmarks.truth.summary import table_of_numbers, table_of_words, wrong_statuses

TRIALS, SUBJECTS, SEED = 4, 6, 501
# Endpoints that nothing in truth/ tells, and why. One that stands neither here nor in a table stops the benchmark.
NAIVE = "the naive clones of a specimen are not numbered"
WITHOUT = {
    "cells_or_counts": "it is what it is",
    "chao1_bias_corrected": f"a lower bound, and {NAIVE}",
    "chao1_inext": f"a lower bound, and {NAIVE}",
    "ace": NAIVE,
    "hill_q1_asymptotic": NAIVE,
    "depth_of_response": "compared as change from baseline, whose lowest it is",
    "gcig_ca125": "no response by CA-125 is written",
    "signature_score": "has a scale of its own: see the correlations; sets that no programme is made for have no truth",
    "..._last_day_quantified": "a matter of the limit of quantification",
}
PARTLY = {
    "percent_of_parent": "of lymphocytes of whole blood by all singlets (dead cells bear no label of their kind), of "
    "beads, of cells without beads and of singlets beside beads (doublets of beads bear no label of their own)",
    "diversity of pairs of chains, of B cells": "of pairs, cells with both chains are no draw of all; of B cells the "
    "specimen's true shares are not written: families and isotypes stand beside those of the library",
    "persistence of TRA": "no mass is told: its reference are single cells alone",
    "survival_estimates, adverse_event_estimates, rates": "of a cohort; the law of its subjects has no table",
    "grades of other laboratory tests": "low potassium and sodium need symptoms, calcium albumin, creatinine a "
    "baseline",
    "recovery of lymphocytes": "the days on which they truly came back are not written",
    "pseudobulk, differential, enrichment, sample_scores": "see `differential`, `enrichment` and `programmes`; here "
    "only the direction of sets whose programme was planted",
    "change, trend": "see `change`",
    "mutation of B cells": "see `families`",
}


@contextmanager
def runs(trials: int, subjects: int) -> Iterator[Iterator[Run]]:
    """Give a run of each trial, simulated and run one after the other in a folder that is taken away afterwards."""
    with TemporaryDirectory() as folder:

        def each() -> Iterator[Run]:
            for seed in range(SEED, SEED + trials):
                study, out = (Path(folder) / f"{name}{seed}" for name in ("study", "out"))
                tilseq = [sys.executable, "-m", "tilseq"]
                made = [*tilseq, "simulate", str(study), "--subjects", str(subjects), "--seed", str(seed)]
                for command in (made, [*tilseq, "run", str(study), "-o", str(out)]):
                    subprocess.run(command, check=True, capture_output=True)
                yield Run(study, out)

        yield each()


def compared(run: Run) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return the numbers, the words and the scores of a run beside the truth, and what it tells.

    The last is `parameter, told, compared`: how many numbers the endpoint table has of it, and how many are compared.
    """
    masses = repertoire.masses(run)
    found = [*flow.compare(run), *cytokines.compare(run), *repertoire.compare(run), *diversity.compare(run)]
    found += [*bcells.compare(run), *kinetics.compare(run, masses), *clinic.compare(run)]
    said = [
        *flow.compare_words(run),
        *repertoire.compare_words(run),
        *kinetics.compare_losses(run, masses),
        *expression.compare_words(run),
        *clinic.compare_words(run),
    ]
    rows = joined(found, NUMBERS)
    told = pl.col("value").is_not_null() | pl.col("value_text").is_not_null()
    parameters = run.endpoints().filter(told).group_by("parameter").agg(told=pl.col("value").count())
    once = rows.filter(~pl.col("endpoint").str.contains("beside all"))  # the others stand in a further comparison too
    numbers = once.drop_nulls("value").group_by("parameter")
    parameters = parameters.join(numbers.agg(compared=pl.len()), on="parameter", how="left").fill_null(0)
    return rows, joined(said, WORDS), expression.scored(run), parameters.select("parameter", "told", "compared")


def left_out(parameters: set[str], compared_ones: set[str], labels: list[str]) -> list[str]:
    """Return the parameters of the endpoint table that no table compares and no reason is given for."""
    told = {name for name in parameters if any(label.startswith(name) or f": {name}" in label for label in labels)}
    kinetic = {name for name in parameters if name.endswith("_last_day_quantified")}
    return sorted(parameters - compared_ones - told - kinetic - WITHOUT.keys())


def main() -> None:
    """Print the tables of numbers, of words, of wrong statuses, of scores, of what is compared in part or not at all.

    Ends with an error where a parameter is told that is neither compared nor said to have no truth.
    """
    given = sys.argv[1:]
    if any("," in one for one in given):
        told = [compared(Run(*map(Path, one.split(",")))) for one in given]
    else:
        trials, subjects = (*map(int, given), *(TRIALS, SUBJECTS)[len(given) :])
        with runs(trials, subjects) as each:
            told = [compared(run) for run in each]
    rows, said, scores, parameters = (pl.concat(frames) for frames in zip(*told, strict=True))
    print(*table_of_numbers(rows), "", *table_of_words(said), "", sep="\n")
    print("| endpoint | status that is wrong | values | subjects |\n|-|-|-|-|")
    wrong = wrong_statuses(rows).with_columns(of=pl.col("trial") + pl.col("subject"))
    for (endpoint, why), part in wrong.group_by("endpoint", "wrong", maintain_order=True):
        print(f"| {endpoint} | {why} | {part.height} | {part['of'].n_unique()} |")
    print("", *expression.table(scores), "", "| no truth | why |", "|-|-|", sep="\n")
    for name, why in (WITHOUT | PARTLY).items():
        print(f"| {name} | {why} |")
    print("", "| compared in part | numbers told | compared |", "|-|-|-|", sep="\n")
    sums = parameters.group_by("parameter").sum().sort("parameter")
    for name, number, beside in sums.filter(pl.col("compared").is_between(1, pl.col("told") - 1)).rows():
        print(f"| {name} | {number} | {beside} |")
    labels = said["endpoint"].unique().to_list()
    lacking = left_out(set(parameters["parameter"]), set(rows["parameter"].drop_nulls()), labels)
    if lacking:
        sys.exit(f"neither compared nor said to have no truth: {', '.join(lacking)}")


if __name__ == "__main__":
    main()
