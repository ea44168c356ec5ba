"""The flow of subjects and the first table, counted by hand."""

import polars as pl

from tilseq.clinical import characteristics
from tilseq.tables.inputs import INFUSIONS, SUBJECTS

SUBJECT_ROWS = [
    {"subject": "A", "tumor_type": "melanoma", "arm": "TIL", "age": 50, "sex": "female", "harvest_day": -30},
    {"subject": "B", "tumor_type": "melanoma", "arm": "TIL", "age": 61, "sex": "male", "harvest_day": -30,
     "lymphodepletion_day": -7},
    {"subject": "C", "tumor_type": "cervical", "arm": "control", "sex": "female"},
    {"subject": "D", "tumor_type": "melanoma", "arm": "TIL", "age": 40},
]  # fmt: skip
INFUSED = [{"subject": "B", "infusion": 1, "day": 0}, {"subject": "B", "infusion": 2, "day": 14}]
BEST = pl.DataFrame({"subject": ["A", "B", "B", "C"], "best_response": ["not_assessed", "PR", "SD", "NE"]})


def told(table, group):
    columns = ("characteristic", "level", "subjects")
    return {(kind, level): number for kind, level, number in table.filter(group=group).select(columns).iter_rows()}


def test_flow_and_kinds():
    table = characteristics(SUBJECTS.frame(SUBJECT_ROWS), INFUSIONS.frame(INFUSED), BEST)
    assert told(table, "all") == {
        ("enrolled", None): 4, ("resected", None): 2, ("lymphodepleted", None): 1, ("infused", None): 1,
        ("assessed", None): 2, ("age", None): 3, ("sex", "female"): 2, ("sex", "male"): 1, ("sex", "not given"): 1,
        ("tumor_type", "cervical"): 1, ("tumor_type", "melanoma"): 3,
    }  # fmt: skip
    assert told(table, "arm=control")["tumor_type", "melanoma"] == 0
    age = table.filter(characteristic="age").select("group", "subjects", "enrolled", "median", "lowest", "highest")
    assert age.rows() == [
        ("all", 3, 4, 50, 40, 61), ("arm=TIL", 3, 3, 50, 40, 61), ("arm=control", 0, 1, None, None, None),
    ]  # fmt: skip


def test_what_is_not_known_has_no_row_and_one_arm_is_none():
    bare = [{"subject": name, "tumor_type": "melanoma", "arm": "TIL"} for name in ("A", "B")]
    table = characteristics(SUBJECTS.frame(bare).to_pandas())
    assert table.select("group", "characteristic", "level", "subjects").rows() == [
        ("all", "enrolled", None, 2), ("all", "tumor_type", "melanoma", 2),
    ]  # fmt: skip
    some = characteristics(SUBJECTS.frame([*bare, {"subject": "C", "tumor_type": "other"}]))
    assert set(some["group"]) == {"all", "arm=TIL", "arm=not given"}
    assert characteristics(SUBJECTS.frame()).is_empty()
