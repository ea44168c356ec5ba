from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tilseq.errors import AnalysisError, TableError
from tilseq.gates import Channel, Range, RectangleGate
from tilseq.io.digest import sha256_of_file
from tilseq.io.fcs import read_fcs
from tilseq.io.gate_files import read_gates
from tilseq.io.gatingml import write_gatingml
from tilseq.simulate.cytometry.faults import Conditions
from tilseq.simulate.cytometry.panels import TBNK
from tilseq.simulate.cytometry.tube import acquire
from tilseq.simulate.files import write_tube as write_simulated
from tilseq.steps import flow
from tilseq.steps.job import Job
from tilseq.study import read_study

# Between what is dim and what is bright, so that every event's population is known.
THRESHOLDS = {"CD3": 1000.0, "CD4": 1000.0, "CD8": 1000.0, "FSC-A": 1000.0, "SSC-A": 90000.0}
ERRORS = {"bead_lot_cv": 0.03, "pipette_cv": 0.03, "volume_cv": 0.03, "blood_count_cv": 0.05, "volume_unit": None}
ARGUMENTS = {
    **{"aliases": {}, "thresholds": THRESHOLDS, "populations": {}, "cuts": False, "gates": None, "blood_count": None},
    "spill": None,
    "errors": ERRORS,
}


@pytest.fixture
def run(tmp_path, sample, write_tube):
    """Return a function that runs the step on a tube of so many events of each kind: name of a table → its rows."""

    def run(numbers, *, matrix=True, keywords=None, gates=None, arguments=None, **cells):
        path = write_tube(tmp_path / "tube.fcs", numbers, matrix=matrix, keywords=keywords)
        folder = tmp_path / "work" / "flow" / "a"
        row = sample("a", assay="flow", path="raw/tube.fcs", **cells)
        paths = (str(path), *([str(gates)] if gates else []))
        job = Job("flow", "a", "flow/a", paths=paths, arguments={**ARGUMENTS, **(arguments or {})}, sample=row)
        flow.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


def of(tables, population):
    rows = tables["endpoints"].filter(pl.col("qualifier").str.ends_with(f"population={population}"))
    return rows.row(0, named=True)


def test_fifty_events_are_quantified_fewer_detected_none_not_detected(run):
    tables = run({"CD4": 50, "CD8": 49, "other": 101})
    told = {name: of(tables, name) for name in ("CD3+", "CD4+ T", "CD8+ T", "DN T")}
    assert {name: (row["value"], row["status"]) for name, row in told.items()} == {
        "CD3+": (49.5, "quantified"),
        "CD4+ T": (pytest.approx(5000 / 99), "quantified"),
        "CD8+ T": (pytest.approx(4900 / 99), "detected_below_loq"),
        "DN T": (0.0, "not_detected"),
    }
    # none of 99: 1 - 0.025 ** (1 / 99) = 3.6577 %, which what gates add can only widen
    counted = tables["counts"].filter(population="DN T").row(0, named=True)
    assert counted["counting_upper"] == pytest.approx(3.6577, abs=1e-3)
    assert 3.6577 <= told["DN T"]["upper"] < 4
    assert told["DN T"]["value_text"] == f"< {told['DN T']['upper']:.3g} %"
    assert [row["value_text"] for row in told.values()][:3] == [None, None, None]
    assert told["CD8+ T"]["method"] == "population of 50 events or more quantified, fewer detected only (ICCS)"


def test_a_share_of_no_event_is_not_evaluable(run):
    tables = run({"other": 200, "DN": 0})
    row = of(tables, "CD4+ T")
    assert (row["value"], row["status"], row["value_text"], row["interval_method"]) == (
        None,
        "not_evaluable",
        None,
        None,
    )
    assert of(tables, "CD3+")["status"] == "not_detected"


@pytest.mark.parametrize(
    ("cd4", "cd8", "value", "status"),
    [
        (100, 50, 2.0, "quantified"),
        (100, 40, 2.5, "detected_below_loq"),
        (100, 0, None, "not_evaluable"),
        (0, 100, None, "not_evaluable"),
    ],
)
def test_the_ratio_is_as_certain_as_its_smaller_count(run, cd4, cd8, value, status):
    tables = run({"CD4": cd4, "CD8": cd8, "other": 200})
    row = tables["endpoints"].filter(parameter="cd4_cd8_ratio").row(0, named=True)
    assert (row["value"], row["status"], row["n"]) == (value, status, cd4 + cd8)
    assert (row["upper"] is None, row["interval_method"] is None) == (value is None, value is None)


def test_what_the_reader_found_odd_stands_in_quality(run, monkeypatch):
    from tilseq.io import fcs

    read = fcs.read_fcs
    monkeypatch.setattr(fcs, "read_fcs", lambda *a, **k: replace(read(*a, **k), warnings=["$TOT differs."]))
    tables = run({"CD4": 100, "CD8": 100, "other": 200})
    assert tables["quality"].filter(check="input 1").select("sample", "verdict", "reason").rows() == [
        ("a", "warn", "$TOT differs.")
    ]
    assert set(tables["counts"]["verdict"]) == {"warn"}


def test_a_tube_without_a_matrix_is_told(run):
    tables = run({"CD4": 100, "CD8": 100, "other": 200}, matrix=False)
    assert tables["quality"].filter(check="compensation")["verdict"].to_list() == ["warn"]


def test_the_member_is_the_number_of_a_data_set(run):
    assert of(run({"CD4": 60, "CD8": 60, "other": 60}, member="0"), "CD4+ T")["value"] == 50
    with pytest.raises(
        AnalysisError, match=r"samples.csv, column member: no data set; found 'dataset=1'; expected the"
    ):
        run({"CD4": 60, "CD8": 60, "other": 60}, member="dataset=1")


def cells_per_ul(tables):
    rows = tables["endpoints"].filter(parameter="cells_per_ul")
    return {row["qualifier"].removeprefix("population="): row for row in rows.iter_rows(named=True)}


TUBE = {"CD4": 300, "CD8": 150, "other": 150}


def test_the_gates_of_a_tube_hold_the_events_of_its_counts(run, tmp_path):
    counts = dict(run(TUBE)["counts"].select("population", "events").iter_rows())
    found = read_gates(tmp_path / "work/flow/a/gates.xml", sample="a").populations(read_fcs(tmp_path / "tube.fcs"))
    assert {name: int(one.mask.sum()) for name, one in found.items()} == {
        name: events for name, events in counts.items() if name != "all events"
    }


def test_cells_per_ul_by_volume(run):
    """600 lymphocytes of 60 µL, diluted 10-fold: 100 cells/µL; the file counts in nL."""
    keywords = {"$VOL": "60000", "$CYT": "CytoFLEX S"}
    tables = run(TUBE, keywords=keywords, dilution=10.0)
    found = cells_per_ul(tables)
    assert {name: found[name]["value"] for name in ("lymphocytes", "CD4+ T", "CD8+ T")} == {
        "lymphocytes": pytest.approx(100),
        "CD4+ T": pytest.approx(50),
        "CD8+ T": pytest.approx(25),
    }
    assert found["CD4+ T"]["method"] == "volumetric"
    row = tables["counts"].filter(population="CD4+ T").row(0, named=True)
    assert row["cells_per_ul_method"] == "volumetric"
    # 1 / sqrt(300) = 5.8 %
    assert row["error_budget"].startswith("cells 5.8 %, volume 3.0 %, pipette 3.0 %")
    (told,) = tables["quality"].filter(check="volume taken").to_dicts()
    assert (told["value"], told["verdict"]) == (60.0, "pass")


@pytest.mark.parametrize(
    ("keywords", "cells", "reason"),
    [
        (
            {"$VOL": "60000", "$CYT": "CytoFLEX"},
            {},
            "volumetric: the dilution of the specimen in the tube is not given",
        ),
        ({"$VOL": "60"}, {"dilution": 10.0}, None),
        ({"$VOL": "60000", "$CYT": "CytoFLEX"}, {"specimen": "infusion_product"}, None),
        ({}, {"dilution": 10.0}, None),
    ],
)
def test_without_what_it_takes_nothing_is_counted_by_volume(run, keywords, cells, reason):
    tables = run(TUBE, keywords=keywords, **cells)
    found = cells_per_ul(tables)
    assert all(row["value"] is None and row["method"] == reason for row in found.values())
    assert bool(found) == (reason is not None)
    told = tables["quality"].filter(check="volume taken")
    if "$CYT" not in keywords and keywords:
        assert told["verdict"].to_list() == ["warn"]
        assert "the unit in which this instrument writes $VOL is not known" in told["reason"][0]


def test_cells_per_ul_by_a_blood_count(run):
    """Half of the lymphocytes are CD4+ T: of 1.2 x 10^9/L 600 cells/µL."""
    arguments = {"blood_count": {"value": 1.2, "unit": "10^9/L", "rounding": 0.024}}
    tables = run(TUBE, arguments=arguments)
    found = cells_per_ul(tables)
    assert {name: found[name]["value"] for name in ("lymphocytes", "CD4+ T", "CD8+ T")} == {
        "lymphocytes": pytest.approx(1200),
        "CD4+ T": pytest.approx(600),
        "CD8+ T": pytest.approx(300),
    }
    budget = tables["counts"].filter(population="CD4+ T")["error_budget"][0]
    assert "blood count 5.5 %" in budget  # the root of 0.05^2 + 0.024^2 = 0.0555
    assert "all events" not in found


def test_beads_go_before_a_volume_and_that_before_a_blood_count(run):
    arguments = {"blood_count": {"value": 1.2, "unit": "10^9/L", "rounding": 0.0}}
    volume = {"$VOL": "60000", "$CYT": "CytoFLEX"}
    both = cells_per_ul(run(TUBE, keywords=volume, dilution=10.0, arguments=arguments))
    assert both["CD3+"]["method"] == "volumetric"
    undiluted = cells_per_ul(run(TUBE, keywords=volume, arguments=arguments))
    assert undiluted["CD3+"]["method"].startswith("dual platform")
    beads = cells_per_ul(run(TUBE, keywords=volume, dilution=10.0, beads_per_tube=5e4, sample_volume_ul=50.0))
    assert beads["CD3+"]["method"] == "counting beads: no bead was counted"


@pytest.fixture
def gates(tmp_path):
    """A person's gates, with names of her own, that take only half of the forward scatter's noise."""

    def over(name, parent, channel, minimum):
        return RectangleGate(name, parent, (Range(Channel(channel), minimum),))

    path = tmp_path / "gates.xml"
    parts = [over("Lymphs", None, "FSC-A", 50_000.0), over("T", "Lymphs", "B1-A", 1000.0)]
    parts += [over("CD4+ T", "T", "B2-A", 1000.0), over("CD8+ T", "T", "R1-A", 1000.0)]
    write_gatingml(path, parts)
    return path


NAMED = {"gates": {"file": "gates/a.xml", "names": {"Lymphs": "lymphocytes", "T": "CD3+"}}}


def test_a_persons_gates_win_and_the_automatic_ones_stand_beside_them(run, gates, tmp_path):
    tables = run(TUBE, gates=gates, arguments=NAMED)
    tube = read_fcs(tmp_path / "tube.fcs")
    lymphocytes = tube.events[:, 0] >= 50_000
    kinds = np.repeat(["CD4", "CD8", "other"], [300, 150, 150])
    expected = {
        "all events": 600,
        "lymphocytes": int(lymphocytes.sum()),
        "CD3+": int((lymphocytes & (kinds != "other")).sum()),
        "CD4+ T": int((lymphocytes & (kinds == "CD4")).sum()),
        "CD8+ T": int((lymphocytes & (kinds == "CD8")).sum()),
    }
    assert 200 < expected["lymphocytes"] < 400
    assert dict(tables["counts"].select("population", "events").iter_rows()) == expected
    row = of(tables, "CD4+ T")
    assert row["value"] == pytest.approx(100 * expected["CD4+ T"] / expected["CD3+"])
    assert row["interval_method"] == "Clopper-Pearson, counting only"
    ratio = tables["endpoints"].filter(parameter="cd4_cd8_ratio").row(0, named=True)
    assert ratio["value"] == pytest.approx(expected["CD4+ T"] / expected["CD8+ T"])
    (source,) = tables["quality"].filter(check="gates").to_dicts()
    assert source["reason"] == f"a person's, gates/a.xml, SHA-256 {sha256_of_file(gates)}"
    beside = tables["comparison"].filter(population="CD4+ T").row(0, named=True)
    assert (beside["events_a"], beside["events_b"]) == (300, expected["CD4+ T"])
    assert beside["events_both"] == expected["CD4+ T"]
    assert "cuts" not in tables


def test_a_persons_gates_do_where_automatic_ones_cannot_be_found(run, gates):
    tables = run({"other": 200}, gates=gates, arguments={**NAMED, "thresholds": {}})
    assert tables["comparison"].height == 0
    (told,) = tables["quality"].filter(check="automatic gates").to_dicts()
    assert told["reason"].startswith("not available: ")
    assert set(tables["counts"]["verdict"]) == {"fail"}  # no CD3+ cell


def test_what_a_persons_gates_leave_out_stands_in_exclusions(sample, gates, tmp_path, write_tube):
    path = write_tube(tmp_path / "tube.fcs", TUBE)
    content = bytearray(path.read_bytes())
    content[-8:-4] = np.array([np.nan], dtype="<f4").tobytes()  # CD4 of the last event
    path.write_bytes(content)
    row = sample("a", assay="flow", path="raw/tube.fcs")
    job = Job("flow", "a", "flow/a", paths=(str(path), str(gates)), arguments={**ARGUMENTS, **NAMED}, sample=row)
    flow.run(job, tmp_path / "out")
    (left_out,) = pl.read_parquet(tmp_path / "out" / "exclusions.parquet").to_dicts()
    assert {name: left_out[name] for name in ("sample", "file", "rule", "rows")} == {
        "sample": "a", "file": "raw/tube.fcs", "rule": "a value that is not a finite number", "rows": 1,
    }  # fmt: skip
    assert pl.read_parquet(tmp_path / "out" / "counts.parquet").filter(population="all events")["events"][0] == 599


def test_several_files_are_refused_whatever_else_the_job_reads(run, sample, gates, tmp_path, write_tube):
    path = str(write_tube(tmp_path / "tube.fcs", TUBE))
    arguments = {**ARGUMENTS, **NAMED}
    row = sample("a", assay="flow", path="a;b")
    job = Job("flow", "a", "flow/a", paths=(path, path, str(gates)), arguments=arguments, sample=row)
    with pytest.raises(TableError, match="this assay reads one file a sample"):
        flow.run(job, tmp_path / "out")


STUDY = {
    "study.yaml": """\
study: demo
visits: {D7: {day: 7}, D28: {day: 28}}
panels: {tbnk: {}}
gates:
  tbnk: {file: gates/tbnk.xml}
  S1_D7: {file: gates/S1_D7.WSP, names: {T: CD3+}}
  S1_D28: {file: gates/S1_D28.xml}
""",
    "subjects.csv": "subject,tumor_type\nS1,melanoma\n",
    "infusions.csv": "subject,infusion,day\nS1,1,0\n",
    "samples.csv": "sample,subject,visit,specimen,assay,path,panel\nS1_D7,S1,D7,blood,flow,raw/a.fcs,tbnk\n"
    "S1_D28,S1,D28,blood,flow,raw/b.fcs,tbnk\nS1_prod,S1,D28,infusion_product,flow,raw/c.fcs,\n",
    "clinical/labs.csv": "subject,day,test,value_text,unit\nS1,7,Lymphocytes,0.3,10^9/L\nS1,7,Lymphocytes,21,%\n"
    "S1,28,LYM,900,/µL\nS1,28,LYM,910,/µL\nS1,28,WBC,4,10^9/L\n",
    **{f"raw/{name}.fcs": f"tube {name}" for name in "abc"},
    **{f"gates/{name}": name for name in ("tbnk.xml", "S1_D7.WSP", "S1_D28.xml")},
}


@pytest.fixture
def jobs(tmp_path):
    """The jobs of a study of three tubes with gates and blood counts, by sample."""
    for name, text in STUDY.items():
        path = tmp_path / "study" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return {job.unit: job for job in flow.plan(read_study(tmp_path / "study"))}


def test_gatingml_goes_before_a_workspace_and_a_sample_before_its_panel(jobs, tmp_path):
    files = {name: [path.removeprefix(f"{tmp_path}/study/") for path in job.paths] for name, job in jobs.items()}
    assert files == {
        "S1_D7": ["raw/a.fcs", "gates/tbnk.xml"],  # its own is a workspace
        "S1_D28": ["raw/b.fcs", "gates/S1_D28.xml"],
        "S1_prod": ["raw/c.fcs"],
    }
    assert jobs["S1_D28"].arguments["gates"] == {"file": "gates/S1_D28.xml", "names": {}}
    assert jobs["S1_prod"].arguments["gates"] is None


def test_a_blood_count_is_of_the_subject_and_day_and_one_alone(jobs):
    found = {name: job.arguments["blood_count"] for name, job in jobs.items()}
    # A tenth, evenly spread, has a standard deviation of 0.1 / sqrt(12): 9.6 % of 0.3.
    assert found["S1_D7"] == {"value": 0.3, "unit": "10^9/L", "rounding": pytest.approx(0.09623, abs=1e-5)}
    assert found["S1_D28"] == {"refused": "the lymphocyte counts of the day differ: 900 /µL, 910 /µL"}
    assert found["S1_prod"] is None


def test_double_positives_that_are_dead_are_told_beside_their_number(tmp_path, sample):
    cells = {"CD4+ T": 600.0, "CD8+ T": 400.0, "DN T": 40.0, "B": 200.0, "NK": 150.0, "monocyte": 300.0}
    tube = acquire(np.random.default_rng(5), TBNK, cells, 20_000, conditions=Conditions(dead=0.1))
    write_simulated(tmp_path / "tube.fcs", tube, "a")
    row = sample("a", assay="flow", path="raw/tube.fcs")
    arguments = {**ARGUMENTS, "thresholds": {}}
    folder = tmp_path / "work" / "flow" / "a"
    flow.run(Job("flow", "a", "flow/a", paths=(str(tmp_path / "tube.fcs"),), arguments=arguments, sample=row), folder)
    tables = {name: pl.read_parquet(folder / f"{name}.parquet") for name in ("endpoints", "quality")}
    # None of the specimen's T cells bears both: what is found is dead for the most part.
    found, helpers = of(tables, "DP T"), of(tables, "CD4+ T")
    assert found["method"].endswith("events take up antibody of every kind, as dead cells do: an upper bound")
    assert "antibody" not in helpers["method"]
    (told,) = tables["quality"].filter(check="DP T without a dye").iter_rows(named=True)
    assert told["verdict"] == "warn" and told["value"] > 50


@pytest.mark.parametrize(
    ("usual", "told"), [(14860.3, "14,860"), (3562.4, "3,562"), (894.26, "894.3"), (0.51264, "0.5126")]
)
def test_the_usual_threshold_of_other_tubes_is_told_without_a_power_of_ten(usual, told):
    cut = {"sample": "a", "gate": "CD3", "parent": "lymphocytes", "threshold": 5582.0, "usual": usual}
    (row,) = flow.odd_cuts(pl.DataFrame([cut]))
    assert row["limit"] == f"within three scaled MADs of {told}"
