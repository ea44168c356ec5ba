"""Who the subjects are and how far they came: the flow of CONSORT and a trial's first table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tilseq.clinical.treated import columns_of
from tilseq.tables import Row, as_polars
from tilseq.tables.characteristics import CHARACTERISTICS_TABLE
from tilseq.tables.infusions import given_infusions
from tilseq.tables.inputs import INFUSIONS, SUBJECTS

ALL, NOT_GIVEN, NOT_ASSESSED = "all", "not given", "not_assessed"
# Step of the flow → the day of `subjects` that tells it was taken; a step that no subject took has no row.
STEPS = {"randomised": "randomization_day", "resected": "harvest_day", "lymphodepleted": "lymphodepletion_day"}
KINDS = ("sex", "tumor_type")


def characteristics(subjects: Any, infusions: Any = None, best_response: Any = None) -> pl.DataFrame:
    """Count the subjects that came so far and those of each kind, over all and by arm where there are several.

    The flow: enrolled (every subject), randomised, resected for the product and lymphodepleted where any has the day,
    infused, and assessed for response after treatment. Then age, sex and tumour type, a column that no subject has left
    out. No test is made: arms that were randomised differ by chance alone (Senn, Stat Med 1994;13:1715).

    Parameters
    ----------
    subjects
        Table `subjects`; of its columns `subject, arm, age, sex, tumor_type` and the days of the flow are read.
    infusions
        Table `infusions`; without it nobody is counted as infused, and there is no such row.
    best_response
        Table `best_response`: a subject is assessed if any reader's row is not `not_assessed`.

    Returns
    -------
    polars.DataFrame
        Table `characteristics`: `group, characteristic, level, subjects, enrolled, median, lowest, highest` (of the
        age, in years).

    Raises
    ------
    TableError
        A table breaks its registry.
    """
    people = columns_of(subjects, SUBJECTS, ("subject", "arm", "age", *KINDS, *STEPS.values()))
    steps = {"enrolled": set(people["subject"])}
    steps |= {step: set(people.drop_nulls(day)["subject"]) for step, day in STEPS.items()}
    steps = {step: names for step, names in steps.items() if names}
    if infusions is not None:
        steps["infused"] = set(
            columns_of(given_infusions(infusions), INFUSIONS, ("subject", "infusion", "day"))["subject"]
        )
    if best_response is not None:
        found = as_polars(best_response).filter(pl.col("best_response") != NOT_ASSESSED)
        steps["assessed"] = set(found["subject"])
    rows = [{"group": group} | row for group, own in _groups(people) for row in _of_group(own, people, steps)]
    return CHARACTERISTICS_TABLE.frame(rows)


def _groups(people: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield all subjects, and those of each arm where there are several."""
    if people.height:
        yield ALL, people
    arms = people.with_columns(pl.col("arm").fill_null(NOT_GIVEN))
    if people["arm"].n_unique() > 1:
        for (arm,), own in arms.group_by("arm", maintain_order=True):
            yield f"arm={arm}", own


def _of_group(own: pl.DataFrame, people: pl.DataFrame, steps: dict[str, set[str]]) -> Iterator[Row]:
    same, names = {"enrolled": own.height}, set(own["subject"])
    for step, taken in steps.items():
        yield same | {"characteristic": step, "subjects": len(names & taken)}
    if people["age"].count():
        ages = own["age"].drop_nulls()
        spread = {"median": ages.median(), "lowest": ages.min(), "highest": ages.max()}
        yield same | {"characteristic": "age", "subjects": ages.len(), **spread}
    for kind in KINDS:
        if people[kind].count():
            levels = own[kind].fill_null(NOT_GIVEN)
            for level in people[kind].fill_null(NOT_GIVEN).unique().sort():
                yield same | {"characteristic": kind, "level": level, "subjects": int((levels == level).sum())}
