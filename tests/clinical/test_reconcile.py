"""The list of responses that differ, which a person reads."""

import polars as pl

from tilseq.clinical import response, response_differences


def lesion(day, name, diameter=None, role="target", subject="S1", **cells):
    return {"subject": subject, "day": day, "lesion": name, "role": role, "diameter_mm": diameter} | cells


def test_every_difference_is_listed_with_its_derivation():
    rows = [
        lesion(-5, "T1", 50.0),
        lesion(-5, "N1", role="nontarget", state="present"),
        *(lesion(day, "T1", size) for day, size in ((42, 35.0), (84, 30.0), (126, 36.0), (210, 20.0))),
        *(lesion(day, "N1", role="nontarget", state="present") for day in (42, 84, 126, 210)),
        lesion(84, "X", role="new"),
    ]
    recorded = pl.DataFrame(
        {
            "subject": ["S1"] * 4,
            "day": [42, 84, 126, 168],
            "response": ["PR", "PR", "SD", "PD"],
        }
    )
    table = response(pl.DataFrame(rows, infer_schema_length=None), recorded)
    found = response_differences(table)
    assert found.select("day", "kind", "recorded", "derived").rows() == [
        (84, "differs", "PR", "PD"),
        (126, "differs", "SD", "PD"),
        (168, "recorded_only", "PD", None),
        (210, "derived_only", None, "PR"),
    ]
    assert found["derivation"].to_list() == [
        "targets PR: sum 30 mm, -40.0 % from baseline (PR from -30), -14.3 % and -5 mm from the nadir (PD from 20 "
        "and 5); non-targets NON-CR/NON-PD; new lesion X",
        "targets PD: sum 36 mm, -28.0 % from baseline (PR from -30), +20.0 % and +6 mm from the nadir (PD from 20 "
        "and 5); non-targets NON-CR/NON-PD; new lesion X not reported",
        "no lesion was assessed",
        "targets PR: sum 20 mm, -60.0 % from baseline (PR from -30), -33.3 % and -10 mm from the nadir (PD from 20 "
        "and 5); non-targets NON-CR/NON-PD; new lesion X not reported",
    ]


def test_a_derived_response_is_no_difference_where_nobody_recorded_any():
    table = response(pl.DataFrame([lesion(-5, "T1", 50.0), lesion(42, "T1", 35.0)]))
    assert response_differences(table).height == 0


def test_a_response_recorded_at_the_baseline_is_listed():
    recorded = pl.DataFrame({"subject": ["S1"], "day": [-5], "response": ["SD"]})
    table = response(pl.DataFrame([lesion(-5, "T1", 50.0), lesion(42, "T1", 35.0)]), recorded)
    found = response_differences(table)
    assert found.select("day", "kind").rows() == [(-5, "recorded_only"), (42, "derived_only")]
    assert found["derivation"][0] == "the baseline has no response"
