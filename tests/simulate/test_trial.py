import gzip
from pathlib import Path

import flowio
import numpy as np
import polars as pl
import pytest

from tilseq.clinical.recist import response
from tilseq.errors import RunError
from tilseq.intervals import clopper_pearson
from tilseq.io.clonotypes import read_clonotypes
from tilseq.simulate.subjects import VISITS, Visit
from tilseq.simulate.trial import simulate_trial
from tilseq.study.read import read_study

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
CELLS, DEPTH = 8_000, 10_000  # of the sample study
SMALL = {"seed": 5, "cells": 300, "depth": 200}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "one"
    simulate_trial(folder, subjects=1, **SMALL)
    return folder


@pytest.fixture(scope="module")
def samples():
    return pl.read_csv(SAMPLE / "samples.csv")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(name):
    return pl.read_csv(SAMPLE / name)


def mass(subject, visit, measure="mass"):
    rows = table("truth/infused_mass.csv").filter(subject=subject, visit=visit, measure=measure)
    return rows["value"].item()


def labels(sample):
    return table(f"truth/flow/{sample}.csv.gz")["label"]


def test_the_same_seed_gives_the_same_bytes(one, tmp_path):
    simulate_trial(tmp_path / "again", subjects=1, **SMALL)
    assert contents(tmp_path / "again") == contents(one)


def test_another_seed_changes_every_raw_file(one, tmp_path):
    simulate_trial(tmp_path / "other", subjects=1, **SMALL | {"seed": 6})
    other = contents(tmp_path / "other")
    assert all(other[name] != data for name, data in contents(one).items() if name.startswith("raw/"))


def test_a_further_subject_and_visit_change_no_file_of_a_sample(one, tmp_path, monkeypatch):
    monkeypatch.setitem(VISITS, "D14", Visit(14, 2, "blood", True))
    simulate_trial(tmp_path / "more", subjects=2, **SMALL)
    more = contents(tmp_path / "more")
    kept = [name for name in contents(one) if name.startswith(("raw/", "truth/")) and not name.endswith(".csv")]
    assert len(kept) == 21  # 10 raw files, the truth of each, and the subject's clones
    assert {name: more[name] for name in kept} == {name: contents(one)[name] for name in kept}
    rows = one.joinpath("samples.csv").read_text().splitlines()
    assert set(rows) < set(more["samples.csv"].decode().splitlines())


def test_the_sample_study_is_what_its_command_writes(tmp_path):
    simulate_trial(tmp_path / "s", subjects=1, seed=1, cells=CELLS, depth=DEPTH)
    made = {name: data for name, data in contents(tmp_path / "s").items() if name.startswith("raw/")}
    kept = {name: data for name, data in contents(SAMPLE).items() if name.startswith("raw/") and "SIM-01" in name}
    assert made.keys() == kept.keys()
    for name, data in made.items():
        # What gzip makes of the same text may differ between builds of zlib; the text may not.
        unpack = gzip.decompress if name.endswith(".gz") else bytes
        assert unpack(data) == unpack(kept[name]), name


def test_the_sample_study_says_what_it_is_and_is_small():
    first, *rest = (SAMPLE / "README.md").read_text().splitlines()
    assert "synthetic" in first
    assert f"    tilseq simulate DIR --subjects 3 --seed 1 --cells {CELLS} --depth {DEPTH}" in rest
    assert sum(map(len, contents(SAMPLE).values())) < 6_000_000


def test_the_study_can_be_read():
    study = read_study(SAMPLE)
    assert study.samples.height == 30
    assert study.subjects["tumor_type"].to_list() == ["melanoma", "cervical", "nsclc"]


def test_every_event_has_its_label(samples):
    for name, path in samples.filter(assay="flow").select("sample", "path").iter_rows():
        read = flowio.FlowData(str(SAMPLE / path))
        assert (read.version, read.event_count) == ("3.1", CELLS)
        assert labels(name).len() == CELLS
        # Debris is small, so labels that had slipped against the events would show.
        forward = read.as_array(preprocess=False)[:, 0]
        debris = (labels(name) == "debris").to_numpy()
        assert np.median(forward[debris]) < 0.4 * np.median(forward[~debris])


def test_counts_sum_to_the_depth_and_belong_to_true_clones(samples):
    for name, subject, path in samples.filter(assay="tcr").select("sample", "subject", "path").iter_rows():
        rows = pl.read_csv(gzip.decompress((SAMPLE / path).read_bytes()), separator="\t")
        assert rows["duplicate_count"].sum() == DEPTH
        assert rows["duplicate_count"].min() == 1
        truth = table(f"truth/tcr/{name}.csv.gz")
        assert truth["frequency"].sum() == pytest.approx(1, abs=1e-4)
        assert truth["cells"].sum() == 2 * DEPTH
        drawn = truth.filter(pl.col("cells") > 0).join(table(f"truth/clones/{subject}.csv.gz"), on="clone")
        assert set(rows["junction"]) <= set(drawn["junction"])


def test_our_reader_reads_the_repertoires_without_a_word(samples):
    read = read_clonotypes(SAMPLE / samples.filter(assay="tcr")["path"][0])
    assert read.warnings == ()
    assert read.exclusions.height == 0
    assert read.table["duplicate_count"].sum() == DEPTH


def test_infused_mass_in_the_files_is_the_truth(samples):
    # A sample stands for 1/(1.5/cells + 1/templates) cells: yields of squared CV 1/2 widen the draw of cells.
    effective = 1 / (1.5 / (2 * DEPTH) + 1 / DEPTH)
    blood = samples.filter(assay="tcr", specimen="blood")
    assert blood.height == 12
    for subject, visit, path in blood.select("subject", "visit", "path").iter_rows():
        clones = table(f"truth/clones/{subject}.csv.gz")
        rows, product = (
            pl.read_csv(gzip.decompress((SAMPLE / name).read_bytes()), separator="\t")
            for name in (path, f"raw/tcr/{subject}_product_tcr.tsv.gz")
        )
        infused = clones.filter(pl.col("product_frequency") > 0)
        for measure, reference in (("mass", infused), ("mass_of_seen", product)):
            held = rows.join(reference, on="junction", how="semi")["duplicate_count"].sum() / DEPTH
            lower, upper = clopper_pearson(held * effective, effective, 0.999)
            assert lower < mass(subject, visit, measure) < upper


def test_infused_clones_rise_and_fall_and_persist_where_the_tumour_responds():
    assert mass("SIM-01", "baseline") < 0.02 < mass("SIM-01", "D84") < mass("SIM-01", "D28") < mass("SIM-01", "D7")
    for visit in ("D7", "D28", "D84"):
        assert mass("SIM-01", visit) > mass("SIM-02", visit) > mass("SIM-03", visit)
        assert mass("SIM-01", visit, "mass_new") < mass("SIM-01", visit, "mass_of_seen") < mass("SIM-01", visit)


@pytest.mark.parametrize("subject", ["SIM-01", "SIM-02", "SIM-03"])
def test_t_cells_collapse_and_come_back(subject):
    def t_share(visit):
        found = labels(f"{subject}_{visit}_flow").value_counts()
        counts = dict(found.iter_rows())
        t_cells = sum(counts[name] for name in ("CD4+ T", "CD8+ T", "DN T", "DP T"))
        return t_cells / (t_cells + counts["B"] + counts["NK"])

    assert t_share("D7") < 0.5 < t_share("D28") < t_share("D84")
    assert t_share("baseline") > 0.68
    assert t_share("product") > 0.9


def test_the_recorded_responses_are_those_of_recist():
    derived = response(table("clinical/lesions.csv"), responses=table("clinical/responses.csv"))
    later = derived.filter(~pl.col("baseline"))
    assert later["agrees"].to_list() == [True] * 9
    assert later["recorded"].to_list() == ["PR", "PR", "PR", "SD", "SD", "SD", "SD", "PD", "PD"]
    assert later["new_lesion"].to_list() == [False] * 7 + [True] * 2


def test_an_occupied_folder_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(RunError, match="not an empty folder"):
        simulate_trial(tmp_path, subjects=1)
    with pytest.raises(RunError, match="not an empty folder"):
        simulate_trial(tmp_path / "mine.txt", subjects=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("number", [{"subjects": 0}, {"cells": 0}, {"depth": 0}, {"seed": -1}])
def test_too_small_a_number_is_refused(tmp_path, number):
    with pytest.raises(RunError, match=f"too small a number for {next(iter(number))}"):
        simulate_trial(tmp_path / "s", **number)
    assert not (tmp_path / "s").exists()


def test_the_smallest_study_is_whole(tmp_path):
    simulate_trial(tmp_path / "s", subjects=1, cells=1, depth=1)
    assert len(contents(tmp_path / "s")) == 31  # 7 tables and texts, 10 raw files, the truth of each, 4 more of truth
