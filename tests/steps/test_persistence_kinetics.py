import polars as pl
import pytest

from tilseq.steps import persistence_kinetics
from tilseq.steps.job import Job
from tilseq.tables.contamination import SAMPLE_IDENTITY
from tilseq.tables.repertoire import PERSISTENCE


@pytest.fixture
def run(tmp_path, sample):
    """Return a function that runs the job over rows of persistence and cells per µL by sample."""

    def go(samples, held, cells=None, needs=(), infusions=((0, None),)):
        work = tmp_path / "work"
        rows = {name: sample(name, day=day, assay="tcr", **more) for name, day, more in samples}
        (work / "persistence" / "S1").mkdir(parents=True, exist_ok=True)
        frame = PERSISTENCE.frame([{"locus": "TRB", "limit_of_detection": 0.001, **row} for row in held])
        frame.write_parquet(work / "persistence" / "S1" / "persistence.parquet")
        tubes = {}
        for name, (day, value, events) in (cells or {}).items():
            folder = work / "flow" / name
            folder.mkdir(parents=True)
            counted = {"population": "CD3+", "events": events, "cells_per_ul": value}
            limits = {"cells_per_ul_lower": 0.9 * value, "cells_per_ul_upper": 1.1 * value}
            pl.DataFrame([counted | limits]).write_parquet(folder / "counts.parquet")
            tubes[f"flow/{name}"] = sample(name, day=day, assay="flow")
        arguments = {"samples": rows, "tubes": tubes, "reference": "infusion_product"}
        arguments |= {"infusions": [{"day": day, "lot": lot} for day, lot in infusions]}
        job = Job("persistence_kinetics", "S1", "persistence_kinetics/S1", needs=("persistence/S1", *needs, *tubes),
                  arguments=arguments)  # fmt: skip
        persistence_kinetics.run(job, work / "persistence_kinetics" / "S1")
        found = pl.read_parquet(work / "persistence_kinetics" / "S1" / "endpoints.parquet")
        return {row["parameter"]: row for row in found.iter_rows(named=True)}

    return go


def held(sample, value, measure="mass", n=3000):
    return {"sample": sample, "measure": measure, "value": value, "lower": 0.9 * value, "upper": 1.1 * value,
            "n_effective": n}  # fmt: skip


BLOOD = [("base", -8, {}), ("d7", 7, {}), ("d28", 28, {}), ("d56", 56, {}), ("d84", 84, {})]
MASS = [held("base", 0.02), held("d7", 0.8), held("d28", 0.4), held("d56", 0.2), held("d84", 0.1)]
NEW = [held(row["sample"], row["value"] - 0.02, "mass_new") for row in MASS[1:]]


def test_kinetics_of_the_mass_and_of_the_new_mass(run):
    found = run(BLOOD, MASS + NEW)
    peak = found["persistence_mass_peak"]
    assert (peak["value"], peak["unit"], peak["qualifier"]) == (0.8, "fraction", "locus=TRB;reference=infusion_product")
    assert found["persistence_mass_day_of_peak"]["value"] == 7
    # after the peak 0.4, 0.2 and 0.1 on days 28, 56 and 84: half in 28 days
    assert found["persistence_mass_half_life"]["value"] == pytest.approx(28)
    # up from 0.02 on day 0 to 0.8 on day 7, then down exponentially to 0.4 on day 28
    area = 7 * (0.02 + 0.8) / 2 + 21 * (0.8 - 0.4) / 0.6931471806
    assert found["persistence_mass_auc_0_28"]["value"] == pytest.approx(area)
    assert found["persistence_mass_new_peak"]["value"] == pytest.approx(0.78)
    new = 7 * 0.78 / 2 + 21 * (0.78 - 0.38) / 0.7191226673  # ln(0.78 / 0.38)
    assert found["persistence_mass_new_auc_0_28"]["value"] == pytest.approx(new)
    assert not any("per_ul" in name for name in found)


def test_blood_of_before_the_infusion_is_no_peak(run):
    found = run(BLOOD, [held("base", 0.9), *MASS[1:]])
    peak, day = found["persistence_mass_peak"], found["persistence_mass_day_of_peak"]
    assert (peak["value"], peak["n"], day["value"]) == (0.8, 4, 7)
    # down exponentially from 0.9 on day 0 to 0.8 on day 7 and 0.4 on day 28
    area = 7 * 0.1 / 0.1177830357 + 21 * 0.4 / 0.6931471806
    assert found["persistence_mass_auc_0_28"]["value"] == pytest.approx(area)


def test_cells_per_microlitre_where_flow_counts_the_same_days(run):
    cells = {
        "f7": (7, 1000, 500),
        "f7b": (7, 5, 20),
        "f28": (28, 500, 400),
        "f56": (56, 400, 300),
        "f84": (84, 300, 90),
    }
    found = run(BLOOD, MASS + NEW, cells)
    peak = found["persistence_cells_per_ul_peak"]
    assert peak["value"] == pytest.approx(780)
    assert peak["unit"] == "cells/µL"
    assert 600 < peak["lower"] < 720
    assert 840 < peak["upper"] < 1000


def test_a_day_on_which_few_t_cells_were_counted_is_not_quantified(run):
    cells = {"f7": (7, 1000, 500), "f28": (28, 500, 400), "f56": (56, 400, 300), "f84": (84, 300, 49)}
    found = run(BLOOD, MASS + NEW, cells)
    # Of 49 events on day 84 no number is quantified: the last is of day 56, and two days are no half-life.
    assert found["persistence_cells_per_ul_last_day_quantified"]["value"] == 56
    assert found["persistence_cells_per_ul_half_life"]["value"] is None
    assert found["persistence_mass_new_last_day_quantified"]["value"] == 84


def test_cells_are_not_lost_before_a_visit_whose_mass_shows_them(run):
    new = [*NEW[:2], held("d56", 0.0, "mass_new") | {"upper": 0.001}, NEW[3]]
    cells = {"f7": (7, 1000, 500), "f28": (28, 500, 400), "f56": (56, 400, 300)}
    found = run(BLOOD, MASS + new, cells)
    assert found["persistence_mass_new_time_to_loss"]["value_text"] == "> 84 d"
    lost = found["persistence_cells_per_ul_time_to_loss"]
    assert (lost["value"], lost["method"].rpartition(" on ")[2]) == (None, "day 84")


def test_of_two_samples_of_a_day_the_one_of_more_cells_counts(run):
    samples = [*BLOOD, ("sc28", 28, {})]
    found = run(samples, [*MASS, held("sc28", 0.9, n=100)])
    assert found["persistence_mass_peak"]["value"] == 0.8


def test_of_samples_of_a_day_whose_cells_nobody_knows_the_mean_counts(run):
    samples = [*BLOOD, ("d7b", 7, {}), ("base2", -8, {})]
    unknown = [
        held(name, value, n=None) for name, value in (("base", 0.02), ("base2", 0.06), ("d7", 0.9), ("d7b", 0.7))
    ]
    found = run(samples, [*unknown, *MASS[2:]])
    peak, area = found["persistence_mass_peak"], found["persistence_mass_auc_0_28"]
    assert (peak["value"], peak["lower"], peak["upper"]) == (pytest.approx(0.8), None, None)
    # up from 0.04 on day 0 to 0.8 on day 7, then down exponentially to 0.4 on day 28
    assert area["value"] == pytest.approx(7 * (0.04 + 0.8) / 2 + 21 * (0.8 - 0.4) / 0.6931471806)
    known = run(samples, [*unknown[:3], held("d7b", 0.7, n=100), *MASS[2:]])["persistence_mass_peak"]
    assert (known["value"], known["upper"]) == (0.7, pytest.approx(0.77))


def test_a_day_one_of_whose_samples_of_unknown_cells_shows_nothing_has_no_mean(run, tmp_path):
    samples = [*BLOOD, ("d7b", 7, {})]
    nothing = {"sample": "d7b", "measure": "mass", "value": None, "limit_of_detection": None}
    found = run(samples, [MASS[0], held("d7", 0.9, n=None), nothing, *MASS[2:]])
    # Neither 0.9, as if d7b had not been taken, nor 0.45.
    assert (found["persistence_mass_peak"]["value"], found["persistence_mass_day_of_peak"]["value"]) == (0.4, 28)
    told = pl.read_parquet(tmp_path / "work" / "persistence_kinetics" / "S1" / "quality.parquet")
    assert told.select("sample", "reason").rows() == [
        ("d7", "no part of the kinetics of the mass of TRB: of the same day d7b shows none, of unknown cells, so that "
         "the mean is not known"),
    ]  # fmt: skip


def test_of_blood_before_that_shows_nothing_of_unknown_cells_no_earlier_one_stands_for_it(run):
    nothing = {"sample": "base", "measure": "mass", "value": None, "limit_of_detection": None}
    found = run([*BLOOD, ("base0", -30, {})], [held("base0", 0.5), nothing, *MASS[1:]])
    # What blood held on day 0 is not known: 0.5 of day -30 is not it.
    assert found["persistence_mass_auc_0_28"]["value"] is None


def test_where_a_visit_is_of_another_subject_there_are_none(run, tmp_path):
    folder = tmp_path / "work" / "contamination" / "all"
    folder.mkdir(parents=True)
    counted = {"clones": 1, "counts": 1, "own_compared": 1, "own_agree": 0, "other_compared": 1, "other_agree": 1}
    row = {"sample": "d28", "subject": "S1", "arrived": 0, "content_of": "S2", "verdict": "swapped", "reason": "of S2"}
    SAMPLE_IDENTITY.frame([row | counted]).write_parquet(folder / "sample_identity.parquet")
    assert run(BLOOD, MASS, needs=["contamination/all"]) == {}
    told = pl.read_parquet(tmp_path / "work" / "persistence_kinetics" / "S1" / "quality.parquet")
    assert told.select("sample", "verdict").rows() == [("d28", "warn")]


def test_one_visit_is_no_course(run):
    assert run(BLOOD[:2], MASS[:2]) == {}


def test_a_further_infusion_ends_the_course(run, tmp_path):
    # Half in 28 days up to day 56; on day 60 another lot is given, and on day 84 blood holds more than ever.
    samples = [*BLOOD, ("d35", 35, {})]
    new = [held("d7", 0.8, "mass_new"), held("d28", 0.4, "mass_new"), held("d35", 0.336358566, "mass_new"),
           held("d56", 0.2, "mass_new"), held("d84", 0.9, "mass_new")]  # fmt: skip
    found = run(samples, new, infusions=[(0, "A"), (60, "B")])
    assert (found["persistence_mass_new_peak"]["value"], found["persistence_mass_new_half_life"]["value"]) == (
        0.8, pytest.approx(28)
    )  # fmt: skip
    lost = found["persistence_mass_new_time_to_loss"]
    assert (lost["value"], lost["status"]) == (56, "above_range")
    assert found["persistence_mass_new_peak"]["method"] == "highest value measured; up to the infusion of day 60"
    later = run(samples, new, infusions=[(0, "A"), (3, "B"), (60, "B")])["persistence_mass_new_peak"]
    told_of_both = "highest value measured; after the infusions of days 0, 3; up to the infusion of day 60"
    assert later["method"] == told_of_both
    told = pl.read_parquet(tmp_path / "work" / "persistence_kinetics" / "S1" / "quality.parquet")
    why = "no part of the kinetics of the mass, which end with the infusion of day 60"
    assert told.select("sample", "verdict", "reason").rows() == [("d84", "warn", why)]


def test_before_a_later_lot_the_mass_of_the_first_has_no_start(run):
    # The baseline was held against both lots, the course is of the first.
    found = run(BLOOD[:4], MASS[:4], infusions=[(0, "A"), (60, "B")])
    assert (found["persistence_mass_auc_0_28"]["value"], found["persistence_mass_peak"]["value"]) == (None, 0.8)


def test_sorted_cells_taken_before_a_further_infusion_end_no_course_of_all_cells(run, tmp_path):
    sorts = [("cd8", 3, {"marked_population": "CD8+ T"})]
    found = run(BLOOD + sorts, [*MASS, *NEW, held("cd8", 0.5)], infusions=[(0, "A"), (5, "A")])
    assert (found["persistence_mass_peak"]["value"], found["persistence_mass_peak"]["n"]) == (0.8, 4)
    quality = pl.read_parquet(tmp_path / "work" / "persistence_kinetics" / "S1" / "quality.parquet")
    assert quality.is_empty()


def test_a_dose_parted_over_two_days_is_one_course(run):
    found = run(BLOOD, MASS + NEW, infusions=[(0, "A"), (1, "B")])
    assert found["persistence_mass_half_life"]["value"] == pytest.approx(28)
    assert "up to" not in found["persistence_mass_half_life"]["method"]


def test_sorted_cells_have_courses_of_their_own(run):
    samples = [*BLOOD, ("s7", 7, {"marked_population": "CD8+ T"}), ("s28", 28, {"marked_population": "CD8+ T"})]
    found = run(samples, [*MASS, held("s7", 0.9, n=9000)])
    assert found["persistence_mass_peak"]["value"] == 0.8
    found = run(samples, [held("s7", 0.9), held("s28", 0.3)])
    peak = found["persistence_mass_peak"]
    assert (peak["value"], peak["qualifier"]) == (0.9, "locus=TRB;population=CD8+ T;reference=infusion_product")
