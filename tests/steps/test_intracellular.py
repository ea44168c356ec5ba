import json

import polars as pl
import pytest

from tests.stimulated_study import make_study
from tilseq.steps import intracellular
from tilseq.steps.job import Job
from tilseq.study import read_study

BOTH = ("CD3+", "CD4+ T", "CD8+ T")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study"))


def run(job, folder):
    intracellular.run(Job.from_dict(job.as_dict()), folder)
    return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def results(study, work):
    return {job.unit: run(job, work / job.folder) for job in intracellular.plan(read_study(study))}


def test_a_job_a_subject_reads_all_its_tubes(study):
    first, second = intracellular.plan(read_study(study))
    assert (first.unit, second.unit) == ("S1", "S2") and first.folder.startswith("intracellular/S1")
    assert [path.rpartition("/")[2] for path in first.paths] == [
        "none28.fcs", "pma28.fcs", "tumour28.fcs", "none7.fcs", "pma7.fcs", "short7.fcs",
    ]  # fmt: skip
    assert list(first.arguments["stained"]) == ["none28", "pma28", "tumour28", "none7", "pma7", "short7", "lost7"]
    assert first.arguments["stained"]["lost7"]["fault"] == "it failed, by samples.csv"


def test_responses_are_those_that_were_simulated(results):
    table = results["S1"]["intracellular"]
    counted = table.filter(pl.col("difference_pct").is_not_null())
    assert counted.select("visit", "stimulus", "population").rows() == [
        (visit, stimulus, population)
        for visit, stimulus in (("D7", "PMA/ionomycin"), ("D28", "PMA/ionomycin"), ("D28", "tumour"))
        for population in BOTH
    ]
    truth = {
        ("D7", "PMA/ionomycin"): (140 / 6150, 1.0, 4.9),
        ("D28", "PMA/ionomycin"): (1000 / 6150 - 2 / 6150, 9.95, 30.0),
        ("D28", "tumour"): (38 / 6150, -0.05, 2.0),
    }
    for row in counted.iter_rows(named=True):
        true = truth[row["visit"], row["stimulus"]][BOTH.index(row["population"])]
        true = 100 * true if row["population"] == "CD3+" else true
        assert row["lower"] <= true <= row["upper"]
        assert row["response"] == ("no" if true < 0 else "yes")
        assert row["threshold_source"] in ("unstimulated", "stimulated") and row["family"].endswith("9 tests")
    one = counted.group_by("visit", "stimulus").agg(pl.col("threshold").n_unique())
    assert one["threshold"].to_list() == [1, 1, 1]


def test_the_caption_of_a_pair_tells_its_colours_and_line(results, work):
    captions = json.loads(next(work.glob("intracellular/S1*/figures/captions.json")).read_text())
    (pair,) = {told for told in captions.values() if "in tumour28 and unstimulated" in told}
    assert pair.endswith("the line is the threshold of both tubes; cells beyond an axis stand at its end")


def test_what_cannot_be_counted_has_a_row_and_the_rest_goes_on(results):
    table = results["S1"]["intracellular"]
    told = {row["stimulated"]: row for row in table.filter(pl.col("difference_pct").is_null()).iter_rows(named=True)}
    assert {name: (row["response"], row["verdict"]) for name, row in told.items()} == {
        "lost7": ("not_evaluable", "fail"), "short7": ("not_evaluable", "fail"),
    }  # fmt: skip
    assert told["short7"]["reason"].startswith("short7: raw/short7.fcs: ")
    assert told["lost7"]["reason"] == "lost7: it failed, by samples.csv"
    assert results["S1"]["failures"].select("sample", "file").rows() == [("short7", "raw/short7.fcs")]
    (alone,) = results["S2"]["intracellular"].to_dicts()
    assert alone["response"] == "not_evaluable"
    assert alone["reason"] == "no unstimulated tube of its subject, visit, specimen, panel, batch and run"


def test_endpoints_quality_and_cuts_are_those_of_the_tubes(results):
    endpoints = results["S1"]["endpoints"]
    assert endpoints.height == 9 and endpoints["parameter"].unique().to_list() == ["cytokine_difference_pct"]
    row = endpoints.filter(sample="pma28", qualifier="marker=IFN-γ;population=CD8+ T;stimulus=PMA/ionomycin")
    (value,) = results["S1"]["intracellular"].filter(stimulated="pma28", population="CD8+ T")["difference_pct"]
    assert row["value"].to_list() == [value] and row["unit"].to_list() == ["%"]
    quality = results["S1"]["quality"]
    gated = quality.filter(check="events in CD3+")
    assert set(gated["sample"]) == {"none28", "pma28", "tumour28", "none7", "pma7"}
    pairs = quality.filter(check="against unstimulated")
    assert pairs.select("sample", "value", "verdict").rows() == [
        ("lost7", 0, "fail"), ("pma28", 3, "pass"), ("pma7", 3, "pass"), ("short7", 0, "fail"), ("tumour28", 3, "pass"),
    ]  # fmt: skip
    assert set(results["S1"]["cuts"]["sample"]) == {"none28", "pma28", "tumour28", "none7", "pma7"}


def test_thresholds_of_a_person_go_before_and_must_agree(study, tmp_path):
    yaml = study / "study.yaml"
    text = yaml.read_text()
    settings = "analysis: {flow: {sample_thresholds: {pma7: {IFNg: 900}, none7: {IFN-γ: 900}, pma28: {IFN-γ: 800}}}}\n"
    yaml.write_text(text + settings)
    try:
        job = intracellular.plan(read_study(study))[0]
    finally:
        yaml.write_text(text)
    table = run(job, tmp_path / job.folder)["intracellular"]
    by_hand = table.filter(stimulated="pma7")
    assert by_hand.select("threshold", "threshold_source").unique().rows() == [(900.0, "settings")]
    (refused,) = table.filter(stimulated="pma28").to_dicts()
    assert refused["reason"] == (
        "the tubes of the pair have several thresholds of IFN-γ; found 'pma28 800; none28 none'; "
        "set one for all tubes of the pair"
    )
    assert "settings" not in table.filter(stimulated="tumour28")["threshold_source"].to_list()


def test_replicates_are_summed_and_one_that_fails_is_told(study, tmp_path):
    rows = study / "samples.csv"
    text = rows.read_text()
    lines = [
        "sample,subject,visit,specimen,assay,path,role,stimulus,panel,replicate",
        "none28,S1,D28,blood,flow,raw/none28.fcs,unstimulated,,ics,",
        "pma28,S1,D28,blood,flow,raw/pma28.fcs,stimulated,PMA,ics,1",
        "pma7,S1,D28,blood,flow,raw/pma7.fcs,stimulated,PMA,ics,2",
        "short7,S1,D28,blood,flow,raw/short7.fcs,stimulated,PMA,ics,3",
    ]
    rows.write_text("\n".join(lines) + "\n")
    try:
        (job,) = intracellular.plan(read_study(study))
    finally:
        rows.write_text(text)
    table = run(job, tmp_path / job.folder)["intracellular"]
    cd8 = table.filter(population="CD8+ T").to_dicts()[0]
    assert cd8["stimulated"] == "pma28;pma7;short7" and 690 <= cd8["positive_stimulated"] <= 702
    assert 3900 < cd8["cells_stimulated"] <= 4000 and cd8["verdict"] == "warn"
    assert cd8["reason"].startswith("replicates vary ")
    assert "left out: short7: raw/short7.fcs: too short" in cd8["reason"]
    assert cd8["replicate_dispersion"] > 100
