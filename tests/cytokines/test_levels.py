import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cytokines.plates import row
from tilseq.cytokines import levels
from tilseq.errors import TableError
from tilseq.tables.cytokines import SAMPLE_CONCENTRATIONS
from tilseq.tables.inputs import SAMPLES

STARTS = {"S1": -7, "S2": None}


def sample(name, day, subject="S1", **cells):
    own = {"sample": name, "subject": subject, "visit": f"day {day}", "day": day, "specimen": "plasma"}
    return own | {"assay": "cytokine"} | cells


def measured(name, conc=None, spread=1.5, *, status=None, limit=None, plate="P", **cells):
    """A row of sample_concentrations; the interval is a factor to either side."""
    ends = {} if conc is None else {"lower": conc / spread, "upper": conc * spread}
    told = {"plate": plate, "role": "sample", "sample": name, "dilution": 2.0, "analyte": "IL-6", "wells": 2}
    told |= {"wells_given": 2, "conc_pg_per_ml": conc, "limit_pg_per_ml": limit, "status": status or "quantified"}
    return told | ends | cells


def found(samples, rows, starts=STARTS):
    told = levels(SAMPLE_CONCENTRATIONS.frame(rows), SAMPLES.frame(samples), starts)
    return told.with_columns(pl.col("fold").round_sig_figs(8))


BEFORE, LATER = sample("before", -8), sample("later", 14)


def test_each_sample_is_held_against_the_last_before_lymphodepletion():
    samples = [sample("first", -20), BEFORE, sample("start", -7), sample("after", -3), LATER]
    values = {"first": 5, "before": 10, "start": 20, "after": 30, "later": 80}
    told = found(samples, [measured(name, value) for name, value in values.items()])
    # A specimen of the first day of lymphodepletion was taken before it.
    assert told.select("sample", "baseline", "baseline_sample", "baseline_day", "fold").rows() == [
        ("first", False, None, None, None),
        ("before", False, None, None, None),
        ("start", True, None, None, None),
        ("after", False, "start", -7, 1.5),
        ("later", False, "start", -7, 4.0),
    ]
    # ln 1.5 on both sides of both: 4 / 1.5 ^ sqrt 2 and 4 * 1.5 ^ sqrt 2.
    later = row(told, sample="later")
    assert (later["fold_lower"], later["fold_upper"]) == (
        pytest.approx(2.2544, abs=1e-4),
        pytest.approx(7.0972, abs=1e-4),
    )
    assert later["fold_status"] == "quantified"
    assert told["used"].all() and told["reason"].null_count() == 5


@pytest.mark.parametrize(
    ("baseline", "later", "fold"),
    [
        (measured("before", status="not_detected", limit=4.0), measured("later", 60), (10, 10, None, "at_least")),
        (measured("before", 60), measured("later", status="not_detected", limit=4.0), (0.1, None, 0.1, "at_most")),
        (
            measured("before", status="not_detected", limit=4.0),
            measured("later", status="detected_below_loq", limit=8.0),
            (None, None, None, "unknown"),
        ),
    ],
)
def test_a_limit_gives_a_limit(baseline, later, fold):
    told = row(found([BEFORE, LATER], [baseline, later]), sample="later")
    assert tuple(told[name] for name in ("fold", "fold_lower", "fold_upper", "fold_status")) == pytest.approx(fold)


def test_what_could_not_be_evaluated_is_no_baseline():
    samples = [sample("first", -20), BEFORE, LATER]
    bad = measured("before", status="not_evaluable", reason="no standard curve")
    told = found(samples, [measured("first", 5), bad, measured("later", 20)])
    assert row(told, sample="later")["baseline_sample"] == "first"
    before = row(told, sample="before")
    assert (before["fold_status"], before["reason"]) == (None, "no standard curve")


@pytest.mark.parametrize(
    ("day", "timing", "is_baseline", "fold"),
    [(-1, None, True, 2.0), (0, "pre", True, 2.0), (0, "post", False, None), (0, None, False, None)],
)
def test_without_a_day_of_lymphodepletion_the_infusion_decides(day, timing, is_baseline, fold):
    samples = [sample("before", day, "S2", timing=timing), sample("later", 14, "S2")]
    told = found(samples, [measured("before", 10), measured("later", 20)])
    assert row(told, sample="before")["baseline"] is is_baseline
    later = row(told, sample="later")
    assert later["fold"] == fold
    if fold is None:
        assert later["reason"] == "no baseline: no plasma from before the infusion gave a number or a limit"


def test_of_several_plates_the_one_of_the_baseline_is_reported():
    rows = [
        measured("before", 10),
        measured("later", 40, 1.4),
        measured("later", 30, 1.2, plate="Q"),
        measured("other", 33, 1.2, plate="Q"),
    ]
    told = found([BEFORE, LATER, sample("other", 28)], rows)
    shown = told.select("sample", "plate", "used", "fold", "reason").sort("sample", "plate").rows()
    elsewhere = "the baseline is of another plate (P)"
    other = "another measurement of this specimen is reported (later, plate P, dilution 2)"
    assert shown == [
        ("before", "P", True, None, None),
        ("later", "P", True, 4.0, None),
        ("later", "Q", False, 3.0, f"{elsewhere}; {other}"),
        ("other", "Q", True, 3.3, elsewhere),
    ]  # fmt: skip


def test_a_plate_that_measured_the_baseline_too_has_its_own():
    rows = [measured("before", 10), measured("before", 20, plate="Q"), measured("later", 40, plate="Q")]
    told = found([BEFORE, LATER], rows)
    assert row(told, sample="later")["fold"] == 2.0
    assert told.filter("baseline")["plate"].to_list() == ["P"]


def test_of_several_dilutions_a_number_is_reported_then_the_narrowest():
    rows = [
        measured("later", status="above_range", limit=1000.0),
        measured("later", 3000, 2.0, dilution=10.0),
        measured("later", 3200, 1.3, dilution=50.0),
        measured("later", status="not_detected", limit=5000.0, dilution=1000.0),
    ]
    told = found([LATER], rows)
    assert told.filter("used")["dilution"].to_list() == [50.0]


def test_measurements_that_contradict_one_another_are_told():
    told = found([LATER], [measured("later", 100, 1.2), measured("later", 200, 1.3, plate="Q")])
    reason = told.filter("used")["reason"][0]
    assert reason.endswith("measurements of this specimen differ by more than their limits (200 pg/mL on plate Q)")


def test_free_and_total_are_held_apart_and_other_analytes_have_no_form():
    kinds = [
        {"analyte": "TGF-beta1", "acid_activated": True, "dilution": 20.0},
        {"analyte": "TGF-beta1", "acid_activated": False},
        {"analyte": "IL-6", "acid_activated": False},
    ]
    rows = [measured(name, value * (n + 1), **kind) for n, kind in enumerate(kinds)
            for name, value in (("before", 10), ("later", 20))]  # fmt: skip
    told = found([BEFORE, LATER], rows).filter(sample="later")
    assert sorted(told.select("analyte", "form", "fold").rows(), key=str) == [
        ("IL-6", None, 2.0), ("TGF-beta1", "free", 2.0), ("TGF-beta1", "total", 2.0),
    ]  # fmt: skip


def test_controls_and_samples_that_are_not_known_are_left_out():
    rows = [measured("later", 20), measured("C1", 30, role="control"), measured("stranger", 30)]
    assert found([LATER], rows)["sample"].to_list() == ["later"]
    assert found([], []).is_empty()


STATUSES = st.sampled_from(["quantified", "above_range", "detected_below_loq", "not_detected", "not_evaluable"])


@given(
    st.lists(
        st.tuples(st.sampled_from([-20, -8, -7, -1, 0, 14, 28]), STATUSES, st.floats(0.1, 1e6), st.sampled_from("PQ")),
        max_size=8,
        unique_by=lambda one: (one[0], one[3]),
    )
)
def test_every_measurement_keeps_its_row_and_every_specimen_has_one_that_is_reported(drawn):
    rows = []
    for day, status, value, plate in drawn:
        number = {"conc": value} if status == "quantified" else {"limit": value, "status": status}
        number = {"status": status} if status == "not_evaluable" else number
        rows.append(measured(f"day {day}", plate=plate, **number))
    days = sorted({day for day, *_ in drawn})
    told = found([sample(f"day {day}", day) for day in days], rows)
    assert told.height == len(rows)
    assert sorted(told.filter("used")["day"].to_list()) == days
    assert told.filter("baseline").height == any(day <= -7 and status != "not_evaluable" for day, status, *_ in drawn)
    known = told.filter(pl.col("fold").is_not_null())
    assert (known["fold"] > 0).all() and (known["day"] > known["baseline_day"]).all()
    quantified = told.filter(fold_status="quantified")
    assert quantified.filter(~pl.col("fold").is_between("fold_lower", "fold_upper")).is_empty()


def test_a_number_that_the_limit_of_another_measurement_contradicts_is_told():
    below = measured("later", status="not_detected", limit=20.0, plate="Q")
    above = measured("later", status="above_range", limit=900.0, plate="R")
    reason = found([LATER], [measured("later", 100, 1.2), below, above]).filter("used")["reason"][0]
    told = "< 20 pg/mL on plate Q, > 900 pg/mL on plate R"
    assert reason.endswith(f"; measurements of this specimen differ by more than their limits ({told})")
    meets = measured("later", status="not_detected", limit=90.0, plate="Q")
    assert "differ" not in found([LATER], [measured("later", 100, 1.2), meets]).filter("used")["reason"][0]


def test_blood_of_the_day_of_infusion_after_it_is_held_against_blood_before_it():
    samples = [sample("pre", 0, "S2", timing="pre"), sample("post", 0, "S2", timing="post"), sample("old", -3, "S2")]
    told = found(samples, [measured("pre", 10), measured("post", 40), measured("old", 5)])
    assert row(told, sample="pre")["baseline"]
    assert (row(told, sample="post")["baseline_sample"], row(told, sample="post")["fold"]) == ("pre", 4.0)
    assert row(told, sample="old")["fold"] is None


def test_without_acid_is_the_same_whether_the_sheet_says_no_or_nothing():
    """Only of an analyte that is latent in part does an empty cell leave open what was measured."""
    rows = [measured("before", 10, acid_activated=False), measured("later", 40, plate="Q")]
    told = row(found([BEFORE, LATER], rows), sample="later")
    assert (told["baseline_sample"], told["fold"]) == ("before", 4.0)
    latent = [cells | {"analyte": "TGF-β1"} for cells in rows]
    assert row(found([BEFORE, LATER], latent), sample="later")["fold"] is None


def test_of_an_analyte_that_is_not_latent_what_was_measured_without_acid_is_reported():
    rows = [measured("later", 90, 1.1, acid_activated=True), measured("later", 100, 1.5, acid_activated=False)]
    told = found([LATER], rows)
    assert told.select("acid_activated", "used").rows() == [(False, True), (True, False)]
    assert told["reason"][1].endswith("it was measured without acid, too, and that is reported (later, plate P)")
    latent = found([LATER], [cells | {"analyte": "TGF-β1"} for cells in rows])
    assert latent["used"].to_list() == [True, True]


def test_subjects_that_are_numbers_have_their_day_of_lymphodepletion():
    """Of pandas; the day was not theirs, and blood from within lymphodepletion was the baseline, unsaid."""
    samples = pd.DataFrame([sample("before", -8, 101), sample("after", -3, 101), sample("later", 14, 101)])
    rows = [measured("before", 10), measured("after", 30), measured("later", 80)]
    told = levels(SAMPLE_CONCENTRATIONS.frame(rows), samples, {101: -7})
    assert row(told, sample="later")["baseline_sample"] == "before"
    assert row(told, sample="later")["fold"] == pytest.approx(8)


def test_a_sample_that_stands_twice_is_refused():
    """The last row told whose it was."""
    twice = SAMPLES.frame([BEFORE]).vstack(SAMPLES.frame([sample("before", -8, "S2")]))
    with pytest.raises(TableError, match="table samples holds a key twice"):
        levels(SAMPLE_CONCENTRATIONS.frame([measured("before", 10)]), twice, STARTS)
