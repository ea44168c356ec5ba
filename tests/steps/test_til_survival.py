"""TIL survival: what its jobs hold, and what it writes from tables of counts alone."""

import json
import math

import polars as pl
import pytest

from tilseq.steps import til_survival
from tilseq.steps.job import Job
from tilseq.study import read_study
from tilseq.tables.outputs import COUNTS

MARK = "CD3+/TCR Vb2+"


class Subject:
    """Tubes of one subject, each with its counts, and the job that reads them."""

    def __init__(self, folder, make_sample):
        self.folder, self.sample, self.rows = folder, make_sample, {}

    def add(self, name, cd3, marked=None, per_ul=None, *, gates=None, **cells):
        """Add a tube; `per_ul` is value, lower and upper of CD3+ cells, `gates` the gates' limits in percent."""
        counts = {"sample": name, "population": "CD3+", "parent": "lymphocytes", "events": cd3}
        if per_ul is not None:
            counts |= dict(zip(("cells_per_ul", "cells_per_ul_lower", "cells_per_ul_upper"), per_ul, strict=True))
        rows = [counts]
        need = f"flow/{name}"
        if marked is not None:
            lower, upper = gates or (None, None)
            row = {"sample": name, "population": MARK, "parent": "CD3+", "events": marked, "parent_events": cd3}
            rows.append(row | {"gate_lower": lower, "gate_upper": upper})
            cells["marked_population"] = "TCR Vb2"
        self.rows[need] = self.sample(name, **{"assay": "flow", **cells})
        (self.folder / need).mkdir(parents=True)
        COUNTS.frame(rows).write_parquet(self.folder / need / "counts.parquet")
        return self

    def product(self, name="product", marked=3_000, **cells):
        return self.add(name, 10_000, marked, visit="product", day=-1, specimen="infusion_product", **cells)

    def baseline(self, day=-10, marked=100, name="baseline"):
        return self.add(name, 10_000, marked, visit="baseline", day=day)

    def run(self, infusions=((0, None, None),), start_day=-7, subject="S1", failed=()):
        arguments = {"samples": self.rows, "failed": failed, "start_day": start_day, "overdispersion": 1e-4}
        arguments["infusions"] = [dict(zip(("day", "lot", "cells"), one, strict=True)) for one in infusions]
        job = Job("til_survival", subject, "til_survival/S1", needs=tuple(self.rows), arguments=arguments)
        folder = self.folder / "til_survival" / "S1"
        folder.mkdir(parents=True, exist_ok=True)
        til_survival.run(Job.from_dict(json.loads(json.dumps(job.as_dict()))), folder)
        return pl.read_parquet(folder / "endpoints.parquet")


@pytest.fixture
def subject(tmp_path, sample):
    return Subject(tmp_path, sample)


def of(endpoints, parameter, **which):
    (row,) = endpoints.filter(parameter=parameter, **which).rows(named=True)
    return row


VISIT = ("infused_share_of_cd3", "infused_cells_per_ul", "infused_probability_above_blank")


def test_t_cells_so_few_that_none_may_be_there_do_not_stop_the_subject(subject):
    """Three CD3+ cells of a visit by a blood count: 0.8 per µL, 0 to 3.1."""
    subject.product().baseline().add("d7", 3, 2, day=7, visit="D7", per_ul=(0.8, 0.0, 3.1))
    endpoints = subject.add("d28", 10_000, 1_550, per_ul=(200.0, 180.0, 220.0)).run()
    few, many = (of(endpoints, "infused_cells_per_ul", sample=name) for name in ("d7", "d28"))
    assert (few["lower"], few["status"]) == (0, "detected_below_loq") and 0 < few["upper"] <= 3.1
    assert many["value"] == pytest.approx(100)


def test_share_and_cells_by_hand(subject):
    subject.product().baseline().add("d28", 10_000, 1_550).add("d28_beads", 4_000, per_ul=(200.0, 180.0, 220.0))
    endpoints = subject.run()
    share, cells, above = (of(endpoints, name) for name in VISIT)
    # (0.155 - 0.01) / (0.3 - 0.01) of 200 cells
    assert (share["value"], cells["value"], above["value"]) == pytest.approx((0.5, 100, 1))
    assert (share["unit"], cells["unit"], share["n"]) == ("fraction", "cells/µL", 10_000)
    assert {row["sample"] for row in (share, cells, above)} == {"d28"}
    assert {row["qualifier"] for row in (share, cells, above)} == {f"population={MARK}"}
    assert {row["status"] for row in (share, cells, above)} == {"quantified"}
    assert set(endpoints["scope"]) == {"cohort"}
    # Tubes differ: 1 + 9,999 * 1e-4 times the binomial variance.
    assert (share["lower"], share["upper"]) == pytest.approx(fieller(0.3, 0.01, 0.155, 1.9999 / 10_000), rel=0.02)
    relative = math.hypot((share["upper"] - share["lower"]) / 2 / 0.5, 0.1)
    assert (cells["upper"] - cells["lower"]) / 2 / 100 == pytest.approx(relative, rel=0.05)


def fieller(product, before, after, variance):
    """Return Fieller's limits (1954) of a ratio of differences of shares, each of variance f (1 - f) times this."""
    of_product, of_before, of_after = (variance * f * (1 - f) for f in (product, before, after))
    above, below, z = after - before, product - before, 1.959964
    a = below**2 - z**2 * (of_product + of_before)
    b = above * below - z**2 * of_before
    root = math.sqrt(b**2 - a * (above**2 - z**2 * (of_after + of_before)))
    return (b - root) / a, (b + root) / a


def test_a_mark_is_told_to_be_borne_by_other_cells_too(subject):
    endpoints = subject.product().baseline().add("d28", 10_000, 1_550).run()
    methods = [of(endpoints, name)["method"] for name in ("infused_share_of_cd3", "infused_share_of_cd3_peak")]
    assert all("compatible with infused cells: an upper bound where" in method for method in methods)


def test_areas_say_that_nothing_was_measured_before_their_second_day(subject):
    subject.product().baseline().add("d7", 10_000, 1_550, day=7, visit="D7").add("d28", 10_000, 1_550)
    row = of(subject.run(), "infused_share_of_cd3_auc_0_28")
    # a half on both days: half of it over 7 days, then 21 days
    assert row["value"] == pytest.approx(0.25 * 7 + 0.5 * 21)
    assert row["method"].endswith("; areas begin with 0 on day 0 and rise to day 7, the first that was measured")


def test_a_mark_may_be_a_population_of_the_tree(subject):
    subject.product().baseline().add("d28", 10_000, 1_550)
    for row in subject.rows.values():
        row["marked_population"] = MARK
    assert of(subject.run(), VISIT[0], qualifier=f"population={MARK}")["value"] == pytest.approx(0.5)


def test_gates_widen_the_limits(subject):
    subject.product().baseline().add("d28", 10_000, 1_550, gates=(13.0, 18.0))
    row = of(subject.run(), "infused_share_of_cd3")
    # The gate's half width of 2.5 points over a product 29 points above the baseline.
    assert row["upper"] - row["lower"] > 2 * 0.025 / 0.29


def test_limits_do_not_hang_on_the_order_of_the_rows_of_lots(subject):
    subject.product("a", 2_000, lot="A").product("b", 5_000, lot="B").baseline().add("d28", 10_000, 1_550)
    one, other = (
        subject.run(infusions) for infusions in ([(0, "A", 2e9), (1, "B", 1e9)], [(1, "B", 1e9), (0, "A", 2e9)])
    )
    row = of(one, "infused_share_of_cd3", sample="d28")
    assert row["lower"] < row["value"] < row["upper"]
    assert one.equals(other)


def test_lots_count_by_the_cells_infused_before_the_visit(subject):
    subject.product("a", 2_000, lot="A").product("b", 5_000, lot="B").baseline()
    subject.add("d7", 10_000, 1_000, visit="D7", day=7).add("d28", 10_000, 1_550)
    endpoints = subject.run(infusions=[(0, "A", 1e9), (14, "B", 3e9)])
    # Lot B came on day 14: (0.1 - 0.01) / (0.2 - 0.01), then (0.155 - 0.01) / (0.425 - 0.01).
    assert of(endpoints, VISIT[0], sample="d7")["value"] == pytest.approx(0.09 / 0.19)
    assert of(endpoints, VISIT[0], sample="d28")["value"] == pytest.approx(0.145 / 0.415)


@pytest.mark.parametrize(("timing", "expected"), [("pre", 0.09 / 0.19), ("post", 0.09 / 0.415), (None, 0.09 / 0.415)])
def test_blood_from_before_an_infusion_of_its_day_knows_nothing_of_its_lot(subject, timing, expected):
    subject.product("a", 2_000, lot="A").product("b", 5_000, lot="B").baseline()
    subject.add("d14", 10_000, 1_000, visit="D14", day=14, timing=timing)
    # Lot B comes on day 14: (0.1 - 0.01) / (0.2 - 0.01), or with it over (0.425 - 0.01).
    endpoints = subject.run(infusions=[(0, "A", 1e9), (14, "B", 3e9)])
    assert of(endpoints, VISIT[0], sample="d14")["value"] == pytest.approx(expected)


@pytest.mark.parametrize(("day", "timing", "counts"), [(14, "pre", False), (15, None, False), (14, "post", True)])
def test_without_lots_in_infusions_a_product_taken_after_the_visit_does_not_count(subject, day, timing, counts):
    subject.product("a", 2_000).baseline()
    subject.add("b", 10_000, 5_000, visit="product", day=day, specimen="infusion_product")
    subject.add("d14", 10_000, 1_000, visit="D14", day=14, timing=timing)
    # 2,000 of 10,000 alone, or with the other tube 7,000 of 20,000.
    expected = 0.09 / (0.35 - 0.01) if counts else 0.09 / (0.2 - 0.01)
    endpoints = subject.run(infusions=[(0, None, 1e9), (14, None, 3e9)])
    assert of(endpoints, VISIT[0], sample="d14")["value"] == pytest.approx(expected)


def test_a_subject_never_infused_has_no_product(subject):
    subject.product(lot="A").baseline().add("d28", 10_000, 1_550)
    row = of(subject.run(infusions=[]), VISIT[0])
    assert (row["value"], row["status"], row["method"]) == (None, "not_evaluable", "no infusion product")


def test_a_further_infusion_ends_the_course(subject):
    subject.product(marked=3_010, lot="A").baseline()
    # (marked - 100) / (3,010 - 100): 0.8 on day 7, then half every 14 days; on day 60 cells are given again.
    for day, marked in ((7, 2_428), (21, 1_264), (35, 682), (49, 391), (70, 3_000)):
        subject.add(f"d{day}", 10_000, marked, visit=f"D{day}", day=day)
    endpoints = subject.run(infusions=[(0, "A", 1e9), (60, "A", 1e9)])
    peak, half, loss = (of(endpoints, f"{VISIT[0]}_{name}") for name in ("peak", "half_life", "time_to_loss"))
    assert (peak["value"], half["value"]) == pytest.approx((0.8, 14), rel=1e-3)
    assert (loss["value"], loss["status"]) == (49, "above_range")
    assert half["method"].endswith("; up to the infusion of day 60")


def test_a_course_that_begins_after_two_infusions_says_so(subject):
    subject.product(marked=3_010, lot="A").baseline()
    for day, marked in ((21, 1_264), (35, 682), (49, 391)):
        subject.add(f"d{day}", 10_000, marked, visit=f"D{day}", day=day)
    for infusions, told in (
        ([(0, "A", 1e9), (14, "A", 1e9)], "; after the infusions of days 0, 14"),
        (
            [(0, "A", 1e9), (14, "A", 1e9), (40, "A", 1e9)],
            "; after the infusions of days 0, 14; up to the infusion of day 40",
        ),
    ):
        assert of(subject.run(infusions=infusions), f"{VISIT[0]}_peak")["method"].endswith(told)
    alone = of(subject.run(infusions=[(0, "A", 1e9)]), f"{VISIT[0]}_peak")["method"]
    assert "after the infusions" not in alone


def test_a_lot_whose_only_tube_failed_was_infused_all_the_same(subject):
    """Without it the share would be told by the other lot alone: 0.145 / 0.19 in place of 0.145 / 0.34 or so."""
    subject.product("a", 2_000, lot="A").baseline().add("d28", 10_000, 1_550)
    tube = {"lot": "B", "day": -1, "timing": None, "marked_population": "TCR Vb2"}
    row = of(subject.run(failed=[tube]), VISIT[0])
    assert (row["value"], row["method"]) == (None, "a lot of the product was not counted")
    for beside in ({"lot": "A"}, {"marked_population": "memory"}, {"marked_population": None}, {"day": 30}):
        assert of(subject.run(failed=[tube | beside]), VISIT[0])["value"] == pytest.approx(0.145 / 0.19)


def test_a_lot_that_no_infusion_names_is_of_the_infusion_that_names_none(subject):
    subject.product("a", 2_000, lot="A").product("b", 5_000, lot="B").baseline().add("d28", 10_000, 1_550)
    endpoints = subject.run(infusions=[(0, None, 1e9), (14, "B", 3e9)])
    # 1e9 cells of A with 20 % and 3e9 of B with 50 % marked: (0.155 - 0.01) / (0.425 - 0.01).
    assert of(endpoints, VISIT[0])["value"] == pytest.approx(0.145 / 0.415)


def test_tubes_of_one_lot_are_pooled(subject):
    subject.product("a", 2_000, lot="A").product("b", 4_000, lot="A").baseline().add("d28", 10_000, 1_550)
    assert of(subject.run(infusions=[(0, "A", None)]), VISIT[0])["value"] == pytest.approx(0.5)


def test_the_baseline_is_the_last_before_lymphodepletion(subject):
    subject.product().baseline(-30, 2_000, "early").baseline(-7, 100).baseline(-2, 5, "late")
    assert of(subject.add("d28", 10_000, 1_550).run(), VISIT[0])["value"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("infusions", "lots", "reason"),
    [
        ([(0, "A", 1e9), (0, "B", 1e9)], ["A"], "a lot of the product was not counted"),
        ([(0, "A", 1e9), (0, "B", None)], ["A", "B"], "the cells infused of each lot are not known"),
        ([(0, None, 1e9)], ["A", "B"], "the cells infused of each lot are not known"),
        ([(0, "A", 1e9)], ["B"], "a lot of the product was not counted"),
        ([], [], "no infusion product"),
    ],
)
def test_a_product_that_is_not_whole_leaves_no_number_and_says_why(subject, infusions, lots, reason):
    for lot in lots:
        subject.product(lot, lot=lot)
    endpoints = subject.baseline().add("d28", 10_000, 1_550).run(infusions=infusions)
    for name in VISIT:
        row = of(endpoints, name)
        assert (row["value"], row["status"], row["method"]) == (None, "not_evaluable", reason)
    assert of(endpoints, "infused_share_of_cd3_peak")["method"] == "no evaluable value from day 0 on"


@pytest.mark.parametrize("infusions", [[(0, None, None)], [(0, "A", 2e9)]])
@pytest.mark.parametrize("lot", [None, "A"])
def test_a_single_product_needs_no_lot(subject, infusions, lot):
    subject.product(lot=lot).baseline().add("d28", 10_000, 1_550)
    assert of(subject.run(infusions=infusions), VISIT[0])["value"] == pytest.approx(0.5)


def test_a_baseline_that_is_not_known_to_be_one_is_none(subject):
    subject.product().baseline().add("d28", 10_000, 1_550)
    assert of(subject.run(start_day=None), VISIT[0])["method"].startswith("no baseline")


def test_a_tube_without_the_population_is_told_and_a_failed_one_left_to_its_own_job(subject):
    subject.product().baseline().add("d28", 10_000, marked_population="TCR Vb2")
    subject.add("d84", 10_000, 500, visit="D84", day=84)
    (subject.folder / "flow" / "d84" / "counts.parquet").unlink()
    endpoints = subject.run()
    assert of(endpoints, VISIT[0])["method"] == f"the tube has no population {MARK} among its CD3+ cells"
    assert set(endpoints.drop_nulls("sample")["sample"]) == {"d28"}


@pytest.mark.parametrize(
    ("beads", "why"),
    [
        ({"per_ul": None}, None),
        ({"per_ul": (0.0, 0.0, 5.0), "cd3": 0}, None),
        ({"per_ul": (200.0, 180.0, 220.0), "specimen_id": "other"}, None),
        ({"per_ul": (200.0, 180.0, 220.0), "day": 27}, None),
        ({"per_ul": (200.0, 180.0, 220.0), "cd3": 20}, "detected_below_loq"),
    ],
)
def test_cells_per_microlitre_are_of_the_same_blood_and_as_certain_as_its_t_cells(subject, beads, why):
    same = {} if "day" in beads else {"specimen_id": "drawn"}
    subject.product().baseline().add("d28", 10_000, 1_550, **same)
    subject.add("beads", **{"cd3": 4_000, **same, **beads})
    row = of(subject.run(), "infused_cells_per_ul")
    if why is None:
        assert (row["value"], row["method"]) == (None, "no CD3+ cells per µL were counted of this blood")
    else:
        assert (row["value"], row["status"]) == (pytest.approx(100), why)


def test_what_is_not_detected_is_below_its_limit(subject):
    subject.product().baseline().add("d28", 10_000, 80, (100.0, 90.0, 110.0))
    endpoints = subject.run()
    share, cells = of(endpoints, VISIT[0]), of(endpoints, VISIT[1])
    assert (share["value"], share["status"], cells["status"]) == (0, "not_detected", "not_detected")
    assert share["value_text"] == f"< {share['upper']:.3g}"
    assert cells["value_text"] == f"< {cells['upper']:.3g}"


def course(subject):
    """Add visits at which all, half and a quarter of 100 cells/µL are infused, then none."""
    subject.product().baseline()
    for day, marked in ((7, 3_000), (14, 1_550), (28, 825), (42, 462), (84, 90)):
        subject.add(f"d{day}", 10_000, marked, (100.0, 95.0, 105.0), visit=f"D{day}", day=day)
    return subject


def test_kinetics_of_infused_cells_by_hand(subject):
    endpoints = course(subject).run()
    values = {name: of(endpoints, f"infused_cells_per_ul_{name}") for name in ("peak", "auc_0_28", "half_life")}
    # 100, 50, 25, 12.48 and 0 cells/µL on days 7, 14, 28, 42 and 84; 0 before the infusion, straight up.
    assert values["peak"]["value"] == pytest.approx(100)
    assert values["auc_0_28"]["value"] == pytest.approx(350 + 50 * 7 / math.log(2) + 25 * 14 / math.log(2))
    # ln of 50, 25, 12.48 on days 14, 28, 42: half in 14 days.
    assert values["half_life"]["value"] == pytest.approx(14, rel=2e-3)
    told = {name: of(endpoints, f"infused_share_of_cd3_{name}") for name in ("day_of_peak", "time_to_loss", "peak")}
    assert (told["day_of_peak"]["value"], told["peak"]["value"], told["peak"]["unit"]) == (7, 1, "fraction")
    assert [told["time_to_loss"][name] for name in ("value", "lower", "upper")] == [84, 42, 84]
    for row in told.values():
        assert (row["subject"], row["sample"], row["visit"], row["qualifier"]) == (
            "S1",
            None,
            None,
            f"population={MARK}",
        )


def test_a_visit_with_more_marked_cells_than_the_product_leaves_no_peak_beside_it(subject):
    """Day 7 may well hold the peak: that of day 28, a share of 0.5, is none."""
    subject.product(marked=3_000).baseline()
    for name, day, marked in (("d7", 7, 6_000), ("d28", 28, 1_550), ("d84", 84, 700), ("d180", 180, 105)):
        subject.add(name, 10_000, marked, visit=name.upper(), day=day)
    endpoints = subject.run()
    assert of(endpoints, VISIT[0], sample="d7")["method"] == "marked cells are more frequent than in the product"
    for name in ("peak", "day_of_peak", "auc_0_28", "auc_0_last", "half_life"):
        row = of(endpoints, f"infused_share_of_cd3_{name}")
        assert (row["value"], row["lower"], row["upper"], row["status"]) == (None, None, None, "not_evaluable")
    assert of(endpoints, f"{VISIT[0]}_peak")["method"] == "there, in an amount that cannot be told, on day 7"
    lost = of(endpoints, f"{VISIT[0]}_time_to_loss")
    assert (lost["value"], lost["lower"], lost["upper"]) == (180, 84, 180)


def test_cells_are_not_lost_before_a_visit_whose_share_shows_them(subject):
    per_ul = (1000.0, 900.0, 1100.0)
    subject.product().baseline().add("d7", 10_000, 1_550, per_ul, visit="D7", day=7)
    subject.add("d28", 10_000, 100, per_ul).add("d84", 10_000, 800, visit="D84", day=84)
    share, cells = (of(subject.run(), f"{name}_time_to_loss") for name in VISIT[:2])
    assert share["value_text"] == "> 84 d"
    assert (cells["value"], cells["method"].rpartition(" on ")[2]) == (None, "day 84")


def test_kinetics_of_t_cells_need_no_mark(subject):
    for day, cells in ((-10, 900.0), (0, 10.0), (7, 100.0), (28, 400.0)):
        timing = "post" if day == 0 else None
        subject.add(f"d{day}", 500, None, (cells, 0.9 * cells, 1.1 * cells), visit=f"D{day}", day=day, timing=timing)
    subject.add("again", 50, None, (50.0, 30.0, 70.0), visit="D28", day=28, replicate="2")
    endpoints = subject.run()
    assert of(endpoints, "cells_per_ul_peak", qualifier="population=CD3+")["value"] == 400
    # 7 * 55 + 21 * 250, all straight lines
    assert of(endpoints, "cells_per_ul_auc_0_28")["value"] == pytest.approx(385 + 5250)
    loss = of(endpoints, "cells_per_ul_time_to_loss")
    assert (loss["value"], loss["status"], loss["value_text"]) == (28, "above_range", "> 28 d")
    assert loss["method"].endswith("; still detected on day 28, the last measured")
    assert endpoints.height == 7


def test_without_absolute_counts_and_marks_there_is_nothing_to_tell(subject):
    assert subject.add("d28", 500).run().height == 0


def test_blood_of_day_0_from_before_the_infusion_is_no_visit(subject):
    subject.product().baseline().add("d0", 10_000, 1_550, visit="D0", day=0, timing="pre").add("d28", 10_000, 1_550)
    assert set(subject.run().drop_nulls("sample")["sample"]) == {"d28"}


def test_the_seed_is_of_the_subject(subject):
    course(subject)
    first = subject.run()
    assert subject.run().equals(first)
    other = subject.run(subject="S2")
    assert of(other, VISIT[0], sample="d28")["value"] == of(first, VISIT[0], sample="d28")["value"]
    assert of(other, VISIT[0], sample="d28")["lower"] != of(first, VISIT[0], sample="d28")["lower"]


TABLES = {
    "study.yaml": "study: demo\nvisits: {baseline: {day: -10}, product: {day: -1}, D28: {day: 28}}\n"
    "panels:\n  t:\n    markers: {TCR Vb2: [PE-A]}\n"
    "    populations: {memory: {parent: CD3+, markers: [CCR7+]}}\n",
    "subjects.csv": "subject,tumor_type,lymphodepletion_day,first_dose_day\nS1,melanoma,-7,-6\nS2,melanoma,,\n",
    "infusions.csv": "subject,infusion,day,lot,cells\nS1,1,0,A,2e9\nS2,1,0,B,\n",
    "samples.csv": "sample,subject,visit,day,specimen,assay,path,panel,marked_population\n"
    "p1,S1,product,-1,infusion_product,flow,p1.fcs,t,TCR Vb2\n"
    "v1,S1,D28,28,blood,flow,v1.fcs,t,TCR Vb2\n"
    "m1,S1,D28,28,blood,flow,m1.fcs,t,memory\n"
    "b2,S2,baseline,-10,blood,flow,b2.fcs,t,\n",
}


def test_a_job_for_each_subject_with_blood_from_after_the_infusion(tmp_path):
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    for name in ("p1", "v1", "m1", "b2"):
        (tmp_path / f"{name}.fcs").write_bytes(b"")
    (job,) = til_survival.plan(read_study(tmp_path))
    assert (job.step, job.unit, set(job.needs)) == ("til_survival", "S1", set(job.arguments["samples"]))
    marks = {row["sample"]: row["marked_population"] for row in job.arguments["samples"].values()}
    assert marks == {"p1": "TCR Vb2", "v1": "TCR Vb2", "m1": "memory"}
    assert job.arguments["start_day"] == -7
    assert job.arguments["infusions"] == [{"day": 0, "lot": "A", "cells": 2e9}]
    assert job.arguments["failed"] == []
    (tmp_path / "infusions.csv").write_text("subject,infusion,day,lot,cells\nS1,1,0,A,2e9\nS1,2,14,A,0\n")
    assert til_survival.plan(read_study(tmp_path))[0].arguments["infusions"] == job.arguments["infusions"]
    lines = TABLES["samples.csv"].splitlines()
    lots = [",lot,status", ",A,", ",,", ",,", ",,"]
    failed = "f1,S1,product,-1,infusion_product,flow,,t,TCR Vb2,B,failed"
    (tmp_path / "samples.csv").write_text("\n".join([*map("".join, zip(lines, lots, strict=True)), failed]) + "\n")
    (job,) = til_survival.plan(read_study(tmp_path))
    assert set(job.needs) == {"flow/p1", "flow/v1", "flow/m1"}
    assert job.arguments["failed"] == [{"lot": "B", "day": -1, "timing": None, "marked_population": "TCR Vb2"}]


def test_blood_after_the_first_infusion_is_never_the_baseline(subject):
    """A second lymphodepletion after the first infusion does not make a visit what the visits are compared with."""
    subject.product().baseline(day=-20).add("d5", 10_000, 2_900, visit="D5", day=5).add("d28", 10_000, 1_550)
    share = of(subject.run(start_day=14), "infused_share_of_cd3", sample="d28")
    assert share["value"] == pytest.approx(0.5)
