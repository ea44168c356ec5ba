from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.cytokines.plates import ANALYTES, CHANNELS, beads, debris, kit, row, sheet, well
from tilseq.cytokines import find_beads, quantify
from tilseq.errors import AnalysisError
from tilseq.io.kits import read_kits
from tilseq.io.plates import read_plate, read_wells
from tilseq.kits import Kit, KitBead
from tilseq.tables.inputs import PLATES

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
ALL = dict.fromkeys(ANALYTES, 200)


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def found(wells, *, of=None, lost=None, **columns):
    kits = {"k": of or kit()}
    names = sheet(*wells, *(lost or {}), **columns)
    return find_beads(names, {("P", name): events for name, events in wells.items()}, kits, {
        ("P", name): reason for name, reason in (lost or {}).items()
    })  # fmt: skip


def test_counts_and_medians(rng):
    wells = {f"A{n}": well(rng, ALL, reporter=500.0 * n) for n in range(1, 5)}
    told = found(wells)
    assert told.wells.height == 16
    assert set(told.wells["verdict"]) == {"pass"}
    assert told.wells["beads"].is_between(190, 205).all()
    for n in range(1, 5):
        signal = told.wells.filter(well=f"A{n}")["signal"].to_numpy()
        assert np.abs(np.log(signal / (500 * n))).max() < 4 * 1.2533 * 0.3 / np.sqrt(200)
    assert told.wells["population"].unique().sort().to_list() == ["large 1", "large 2", "small 1", "small 2"]
    places = dict(told.populations.select("analyte", "classifier").iter_rows())
    assert places == {name: pytest.approx(classifier, rel=0.02) for name, (_, classifier) in ANALYTES.items()}


def test_every_event_is_a_bead_or_excluded(rng):
    wells = {"A1": well(rng, ALL), "A2": np.concatenate([well(rng, ALL), 2 * beads(rng, "D", 60, 1_000)])}
    told = found(wells)
    for name, events in wells.items():
        excluded = told.exclusions.filter(file=f"{name}.fcs")["rows"].sum()
        assert told.wells.filter(well=name)["beads"].sum() + excluded == len(events)
    doublets = told.exclusions.filter(file="A2.fcs", rule="larger than a single bead: doublets")
    assert doublets["rows"].to_list()[0] >= 55


@pytest.mark.parametrize(("number", "verdict"), [(60, "pass"), (42, "warn"), (20, "fail"), (0, "fail")])
def test_few_beads_of_one_analyte_in_one_well(rng, number, verdict):
    wells = {f"A{n}": well(rng, ALL) for n in range(1, 4)} | {"B1": well(rng, ALL | {"B": number})}
    told = found(wells)
    one = row(told.wells, well="B1", analyte="B")
    assert one["verdict"] == verdict
    assert one["beads"] == pytest.approx(number, abs=3)
    assert (one["reason"] is None) == (verdict == "pass")
    assert set(told.wells.filter(pl.col("well") != "B1")["verdict"]) == {"pass"}
    assert set(told.wells.filter(pl.col("well") == "B1", pl.col("analyte") != "B")["verdict"]) == {"pass"}


def test_a_well_of_debris_alone(rng):
    told = found({"A1": well(rng, ALL), "A2": well(rng, ALL), "A3": debris(rng, 3_000)})
    assert set(told.wells.filter(well="A3")["verdict"]) == {"fail"}
    assert told.wells.filter(well="A3")["beads"].max() < 10
    assert set(told.wells.filter(pl.col("well") != "A3")["verdict"]) == {"pass"}


def test_an_empty_well_and_a_lost_one(rng):
    told = found({"A1": well(rng, ALL), "A2": np.zeros((0, 4))}, lost={"A3": "A3.fcs: there is no such file"})
    assert told.wells.filter(well="A2")["beads"].to_list() == [0, 0, 0, 0]
    missing = told.wells.filter(well="A3")
    assert missing["beads"].null_count() == 4
    assert set(missing["reason"]) == {"A3.fcs: there is no such file"}
    assert set(told.wells.filter(well="A1")["verdict"]) == {"pass"}


def test_nothing_but_debris_on_the_plate(rng):
    told = found({"A1": debris(rng, 2_000)})
    assert set(told.wells["verdict"]) == {"fail"}
    assert told.wells["beads"].null_count() == 4
    assert "kit k has 2 (small, large)" in told.wells["reason"][0]


def test_beads_missing_from_the_whole_plate_are_told_by_the_classifier(rng):
    there = {name: 200 for name in ANALYTES if name != "B"}
    told = found({f"A{n}": well(rng, there) for n in range(1, 4)})
    assert set(told.wells.filter(analyte="B")["verdict"]) == {"fail"}
    assert row(told.populations, analyte="B")["reason"] == (
        "1 population of small beads is to be seen on this plate, and kit k has 2; "
        "none lies where that of this analyte should"
    )
    others = told.wells.filter(pl.col("analyte") != "B")
    assert set(others["verdict"]) == {"pass"}
    assert row(told.populations, analyte="A")["classifier"] == pytest.approx(7_000, rel=0.02)


def test_beads_of_a_whole_size_missing_are_not_named_after_it(rng):
    """A few larger things, which are no beads, make no size: those that are there would be taken for the small ones."""

    def large_alone():
        larger = np.exp(np.log([124_000, 130_000, 4_000, 900]) + rng.standard_normal((12, 4)) * 0.03)
        return np.concatenate([well(rng, {"C": 200, "D": 200}), larger])

    told = found({f"A{n}": large_alone() for n in range(1, 6)})
    assert set(told.wells["verdict"]) == {"fail"}
    assert set(told.wells["reason"]) == {"beads of 1 size are to be seen on this plate, and kit k has 2 (small, large)"}


def test_a_kit_whose_sizes_stand_in_the_wrong_order_is_a_warning(rng):
    swapped = kit(
        analytes={"C": ("big", 4_000.0), "D": ("big", 90_000.0), "A": ("tiny", 7_000.0), "B": ("tiny", 23_000.0)}
    )
    told = found({f"A{n}": well(rng, ALL) for n in range(1, 4)}, of=swapped)
    # C stands where A is, 7,000 for 4,000, and D where B is; by the shift that fits best, two of the four do not meet.
    reasons = told.populations["reason"].drop_nulls().to_list()
    assert len(reasons) >= 2
    assert all("times what the kit has: another kit, or another order?" in reason for reason in reasons)
    assert set(told.wells.filter(verdict="warn")["reason"]) == set(reasons)
    assert found({"A1": well(rng, ALL, gain=2.0)}).populations["verdict"].to_list() == ["pass"] * 4


def test_without_classifiers_in_the_kit_the_other_size_finishes(rng):
    there = {name: 200 for name in ANALYTES if name != "B"}
    told = found({f"A{n}": well(rng, there) for n in range(1, 4)}, of=kit(classifiers=False))
    verdicts = {name: set(told.wells.filter(analyte=name)["verdict"]) for name in ANALYTES}
    assert verdicts == {"A": {"fail"}, "B": {"fail"}, "C": {"pass"}, "D": {"pass"}}


def test_a_well_may_shift_a_little(rng):
    wells = {f"A{n}": well(rng, ALL) for n in range(1, 6)} | {"B1": well(rng, ALL, gain=1.08)}
    told = found(wells)
    assert set(told.wells["verdict"]) == {"pass"}
    assert told.wells.filter(well="B1")["beads"].min() > 185
    far = found({f"A{n}": well(rng, ALL) for n in range(1, 6)} | {"B1": well(rng, ALL, gain=1.15)})
    reasons = far.wells.filter(well="B1")["reason"].to_list()
    assert all("off the plate's in classifier" in reason for reason in reasons)


def test_a_well_whose_beads_stand_where_those_of_others_should_fails_alone(rng):
    wells = {f"A{n}": well(rng, ALL) for n in range(1, 6)}
    # A stands where B should, 7,000 * 3.3 = 23,100; the others where there is none.
    told = found(wells | {"B1": well(rng, ALL, gain=3.3)})
    shifted = told.wells.filter(well="B1")
    assert row(shifted, analyte="B")["beads"] > 180
    assert set(shifted["verdict"]) == {"fail"}
    assert "where the plate has no population" in row(shifted, analyte="B")["reason"]
    assert set(told.wells.filter(pl.col("well") != "B1")["verdict"]) == {"pass"}


def test_beads_at_the_highest_reporter_are_a_warning(rng):
    wells = {"A1": well(rng, ALL), "A2": well(rng, ALL, reporter=200_000)}
    told = found({name: np.minimum(events, 262_143) for name, events in wells.items()})
    assert "stand at the reporter's highest value" in told.wells.filter(well="A2")["reason"][0]
    # Reporters of 200,000 by 0.3 on the natural logarithm: 18 % lie above 262,143.
    assert told.wells.filter(well="A2")["at_highest"].to_list() == pytest.approx([0.18] * 4, abs=0.07)
    assert set(told.wells.filter(well="A1")["verdict"]) == {"pass"}


def test_beads_that_all_stand_at_the_highest_reporter_are_saturated_not_failed(rng):
    wells = {"A1": well(rng, ALL), "A2": well(rng, ALL, reporter=5_000_000)}
    told = found({name: np.minimum(events, 262_143) for name, events in wells.items()}).wells.filter(well="A2")
    assert set(told["verdict"]) == {"warn"}
    assert set(told["reason"]) == {"100 % of the beads stand at the reporter's highest value"}
    assert told["signal"].to_list() == [262_143] * 4


@pytest.mark.parametrize("value", [-1.0, 0.0, 1e4])
def test_events_that_are_all_the_same(value):
    told = found({"A1": np.full((400, 4), value)})
    assert set(told.wells["reason"]) == {"all events of this plate have one size"}


def test_events_beyond_the_scatter_detectors_are_no_size(rng):
    beyond = np.full((2_000, 4), 262_143.0)
    told = found({"A1": np.concatenate([well(rng, ALL), beyond])})
    assert set(told.wells["verdict"]) == {"pass"}


def test_two_kits_on_one_plate(rng):
    other = Kit("one", "", ("only",), (KitBead("E", "only", 1, None, None),), CHANNELS, None, None)
    names = pl.concat([sheet("A1", "A2"), sheet("B1", kit="one")])
    events = {("P", "A1"): well(rng, ALL), ("P", "A2"): well(rng, ALL), ("P", "B1"): well(rng, {"A": 300})}
    told = find_beads(names, events, {"k": kit(), "one": other})
    assert told.wells.height == 9
    assert row(told.wells, well="B1")["beads"] == pytest.approx(300, abs=5)
    # A well of several analytes that the sheet gives to a kit of one.
    wrong = find_beads(names, events | {("P", "B1"): well(rng, ALL)}, {"k": kit(), "one": other})
    assert row(wrong.wells, well="B1")["verdict"] == "fail"
    assert set(wrong.wells.filter(pl.col("well") != "B1")["verdict"]) == {"pass"}


@pytest.mark.parametrize("events", [np.ones((50, 3)), np.ones(50), pl.DataFrame(np.ones((50, 5)))])
def test_events_that_are_not_of_four_channels_are_refused(events):
    with pytest.raises(
        AnalysisError, match="plate P, well A1: these are no events of beads; found .*expected events ×"
    ):
        find_beads(sheet("A1"), {("P", "A1"): events}, {"k": kit()})


def test_one_analyte_of_two_kits_is_refused(rng):
    names = pl.concat([sheet("A1"), sheet("B1", kit="other")])
    events = {("P", "A1"): well(rng, ALL), ("P", "B1"): well(rng, ALL)}
    with pytest.raises(AnalysisError, match="two kits measure A"):
        find_beads(names, events, {"k": kit(), "other": kit("other")})


def test_an_unknown_kit_and_a_well_without_events_are_refused(rng):
    with pytest.raises(AnalysisError, match=r"well A1: no such kit; found 'kk'.*did you mean 'k'"):
        find_beads(sheet("A1", kit="kk"), {}, {"k": kit()})
    with pytest.raises(AnalysisError, match="well A1: the well has no events"):
        find_beads(sheet("A1"), {}, {"k": kit()})


def test_pandas_and_the_order_of_wells_change_nothing(rng):
    wells = {("P", f"A{n}"): well(rng, ALL) for n in range(1, 4)}
    names = sheet("A1", "A2", "A3")
    one = find_beads(names, wells, {"k": kit()}).wells
    other = find_beads(names.to_pandas(), dict(reversed(wells.items())), {"k": kit()}).wells
    assert one.equals(other)


@pytest.mark.parametrize("plate", ["SIM-01_cytokine", "SIM-02_tgfb1", "SIM-04_cytokine"])
def test_simulated_plates_against_their_truth(plate):
    kits, names = read_kits(), read_plate(SAMPLE / f"plates/{plate}.csv")
    read = read_wells(names, SAMPLE, kits)
    told = find_beads(names, read.events, kits, read.lost)
    assert set(told.wells["verdict"]) == {"pass"}
    right = wrong = missed = 0
    gaps = []
    for one in told.maps:
        truth = pl.read_csv(SAMPLE / f"truth/cytokine/{plate}_{one.well}.csv.gz")["label"].to_numpy()
        label = np.array([*one.analytes, ""])[one.places]
        bead = np.isin(truth, one.analytes)
        right += (label == truth)[bead].sum()
        missed += (label == "")[bead].sum()
        wrong += ((label != truth) & (label != "")).sum()
        for name in one.analytes:
            gaps.append(np.log(np.median(one.events[label == name, 3]) / np.median(one.events[truth == name, 3])))
    assert missed / right < 0.006
    assert wrong / right < 0.008  # doublets for the most part
    assert np.abs(gaps).max() < 0.035
    assert np.abs(np.mean(gaps)) < 0.002


def test_real_plate_and_raw_well(shared_data):
    folder = shared_data / "cytokine"
    kits = read_kits()
    files = sorted((folder / "legendplex").glob("*.csv.gz"))
    rows = [
        {"plate": "K3", "well": f"{'ABCDEFGHI'[n // 2]}{n % 2 + 1}", "path": str(path), "role": "control"}
        | {"kit": "two_size_13plex", "scale": "asinh(1+x)"}
        for n, path in enumerate(files)
    ]
    rows.append(
        {"plate": "K2", "well": "A7", "path": str(folder / "K2-C07-A7_raw.fcs"), "role": "control"}
        | {"kit": "two_size_13plex"}
    )
    names = PLATES.frame(rows)
    read = read_wells(names, "/", kits)
    assert read.lost == {}
    told = find_beads(names, read.events, kits)
    assert told.wells.group_by("plate").len().sort("plate").rows() == [("K2", 13), ("K3", 18 * 13)]
    assert set(told.wells["verdict"]) == {"pass"}
    assert told.wells["beads"].min() >= 200
    # beadplexr finds 259 to 467 beads a population and well on K3.
    assert told.wells.filter(plate="K3")["beads"].is_between(240, 480).all()


def test_a_median_that_has_no_logarithm_fails_its_well_and_not_the_plate(rng):
    """Digital instruments take their baseline off: dim beads of a blank can have a median of 0 or less."""
    contents = {f"A{n}": ("standard", f"C{8 - n}", 10_000 / 4.0 ** (n - 1)) for n in range(1, 7)}
    contents |= {"B1": ("blank", "C0", 0.0), "B2": ("sample", None, 500.0)}
    wells, rows = {}, []
    for name, (role, level, pg) in contents.items():
        wells[name] = well(rng, ALL, reporter=60 + 20_000 * pg / (pg + 2_000))
        told = {"plate": "P", "well": name, "path": f"{name}.fcs", "role": role, "level": level, "kit": "k"}
        rows.append(told | ({"sample": "S", "dilution": 1.0} if role == "sample" else {}))
    wells["B1"][:, 3] -= np.where(wells["B1"][:, 2] > 50_000, 80, 0)  # those of D alone
    plate = PLATES.frame(rows)
    beads_of = find_beads(plate, {("P", name): events for name, events in wells.items()}, {"k": kit()})
    blank = row(beads_of.wells, well="B1", analyte="D")
    assert blank["signal"] < 0
    assert (blank["verdict"], blank["reason"]) == (
        "fail",
        "the median reporter is not above 0: was a background taken off?",
    )
    told = quantify(plate, beads_of.wells, {"k": kit()})
    assert dict(told.curves.select("analyte", "blank_wells").iter_rows()) == {"A": 1, "B": 1, "C": 1, "D": 0}
    assert set(told.samples["status"]) == {"quantified"}


def test_beads_without_an_error_of_their_median_fail_and_say_so(rng):
    wells = {f"A{n}": well(rng, ALL) for n in range(1, 4)}
    wells["A1"][:, 3] = np.where(wells["A1"][:, 2] > 50_000, 7.0, wells["A1"][:, 3])
    told = found(wells)
    one = row(told.wells, well="A1", analyte="D")
    assert one["signal_se_log"] is None
    assert (one["verdict"], one["reason"]) == ("fail", "the error of the median reporter cannot be told from its beads")
    assert set(told.wells.filter(well="A2")["verdict"]) == {"pass"}
