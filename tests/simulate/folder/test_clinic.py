import pytest

from tilseq.simulate.folder.clinic import SCANS, schedule, write_clinic
from tilseq.simulate.plan import true_day
from tilseq.tables import inputs

TABLES = {
    table.name: table
    for table in (
        inputs.LESIONS,
        inputs.RESPONSE_READS,
        inputs.FOLLOWUP,
        inputs.ADVERSE_EVENTS,
        inputs.LABS,
        inputs.TUMOR_MARKERS,
        inputs.THERAPIES,
    )
}
DATED = ("lesions", "responses", "labs", "tumor_markers", "true_lesions", "true_responses", "true_labs")


@pytest.fixture(scope="module")
def write(make_context, tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinic")

    def written(number=1, **changes):
        context = make_context(folder, number, **changes)
        return context, write_clinic(context)

    return written


@pytest.fixture(scope="module")
def plain(write):
    return write()


def days(rows):
    return sorted({row["day"] for row in rows})


@pytest.mark.parametrize("number", [1, 2, 3])
def test_rows_are_those_of_the_tables(write, number):
    _, rows = write(number)
    assert set(TABLES) < set(rows)
    for name, table in TABLES.items():
        assert table.frame(rows[name]).height == len(rows[name])
    for name, table in rows.items():
        assert {row["subject"] for row in table} <= {f"SIM-0{number}"}
        assert table or name in ("therapies", "true_transfusions")


def test_each_table_has_its_truth(plain):
    _, rows = plain
    assert {name.removeprefix("true_") for name in rows if name.startswith("true_")} == {
        *("lesions", "responses", "labs", "tumor_markers", "adverse_events", "fates", "recoveries", "transfusions"),
    }
    for name in ("lesions", "responses", "labs", "tumor_markers"):
        keys = [
            {(row["day"], row.get("lesion") or row.get("test")) for row in rows[table]}
            for table in (name, f"true_{name}")
        ]
        assert keys[0] <= keys[1]
    true = {(row["day"], row["test"]): row["value"] for row in rows["true_labs"]}
    context, _ = plain
    for day in (-10, 0, 14):
        assert true[day, "lymphocytes"] == pytest.approx(context.subject.blood(day).lymphocytes / 1_000)


def test_blood_is_examined_in_hospital_at_each_visit_and_at_each_scan(plain):
    context, rows = plain
    drawn = days(rows["true_labs"])
    visits = [true_day(context.subject, name) for name in context.design.visits]
    assert {*range(-7, 15), *visits, *days(rows["lesions"])} <= set(drawn)
    # Markers of the first two weeks tell of the treatment alone.
    marked = days(rows["true_tumor_markers"])
    assert marked == sorted({day for day in (*visits, *days(rows["lesions"])) if day < 0 or day >= 14})


def test_scans_are_within_their_windows(plain):
    _, rows = plain
    seen = {row["visit"]: row["day"] for row in rows["true_lesions"]}
    assert set(seen) <= set(SCANS)
    assert len(seen) >= 3
    assert all(abs(seen[visit] - SCANS[visit][0]) <= SCANS[visit][1] for visit in seen)


def test_nothing_is_seen_after_the_last_day(write):
    visits = ["baseline", "D7", "D28", "D60"]
    _, rows = write(1, last_day=50, visits=visits)
    _, whole = write(1, visits=visits)
    (followup,) = rows["followup"]
    assert followup["last_alive_day"] == 50
    for name in DATED:
        assert max(days(rows[name])) <= 50 < max(days(whole[name]))
        if "responses" not in name:  # a later scan may confirm what an earlier one was not sure of
            assert [row for row in whole[name] if row["day"] <= 50] == rows[name]
    assert all(row["start_day"] <= 50 for row in rows["adverse_events"])
    assert max(row["start_day"] for row in whole["adverse_events"]) > 50


def test_a_further_visit_changes_no_other_row(write, plain):
    context, rows = write(1, visits=["baseline", "D7", "D28", "D100"])
    day = true_day(context.subject, "D100")
    assert day not in days(plain[1]["labs"])
    for name, before in plain[1].items():
        kept = rows[name]
        if name in ("labs", "true_labs", "tumor_markers", "true_tumor_markers"):
            kept = [row for row in kept if row["day"] != day]
            assert len(kept) < len(rows[name])
        assert kept == before


def test_the_schedule_is_that_of_the_scans(plain):
    context, _ = plain
    rows = schedule(context.design)
    assert inputs.SCHEDULE.frame(rows).height == 7
    assert rows[0] == {"visit": "baseline", "day": -10, "window": 4}
    assert {row["visit"]: row["day"] for row in rows}["D336"] == 336
    assert schedule(context.design.model_copy(update={"assays": ["tcr"]})) == []
