import gzip
import os
import subprocess
import sys
from pathlib import Path

import flowio
import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tilseq.clinical.recist import response
from tilseq.errors import RunError
from tilseq.intervals import clopper_pearson
from tilseq.io.clonotypes import read_clonotypes
from tilseq.simulate.design import Confounders, Design, FailedLibrary, SwappedPair, read_design
from tilseq.simulate.files import write_input_table, write_truth
from tilseq.simulate.folder.texts import settings
from tilseq.simulate.trial import CLINICAL, INPUTS, simulate_trial, write_subject
from tilseq.study.read import read_study

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
SMALL = {
    "subjects": 1,
    "seed": 5,
    "visits": ["baseline", "D0", "D28"],
    "cells": 200,
    "depth": 200,
    "single_cells": 30,
    "beads": 20,
    "memory_clones": 300,
}


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study") / "one"
    simulate_trial(folder, Design(**SMALL))
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """The same with a further subject and a further visit."""
    folder = tmp_path_factory.mktemp("study") / "two"
    simulate_trial(folder, Design(**SMALL | {"subjects": 2, "visits": [*SMALL["visits"], "D14"]}))
    return folder


@pytest.fixture(scope="module")
def samples():
    return pl.read_csv(SAMPLE / "samples.csv")


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(name):
    return pl.read_csv(SAMPLE / name)


def labels(sample):
    return table(f"truth/flow/{sample}.csv.gz")["label"]


def rearrangements(path):
    return pl.read_csv(gzip.decompress((SAMPLE / path).read_bytes()), separator="\t")


# The same bytes, whatever happens around them


def test_the_same_bytes_on_two_cores_and_under_another_hash_seed(two, tmp_path):
    (tmp_path / "design.yaml").write_bytes((two / "design.yaml").read_bytes())
    command = [sys.executable, "-m", "tilseq", "simulate", "there", "--design", "design.yaml", "--cores", "2"]
    environment = os.environ | {"PYTHONHASHSEED": "4242"}
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    here, there = contents(two), contents(tmp_path / "there")
    assert len(here) > 200
    assert here == there


def test_another_seed_changes_every_raw_file(one, tmp_path):
    simulate_trial(tmp_path / "other", Design(**SMALL | {"seed": 6}))
    other = contents(tmp_path / "other")
    raw = {name: data for name, data in contents(one).items() if name.startswith("raw/")}
    assert len(raw) > 60
    assert [name for name, data in raw.items() if other.get(name) == data] == []


def test_a_further_subject_and_visit_change_no_file_of_a_sample(one, two):
    # The plates hold all plasma of a subject; they are one unit, to which a visit named last adds wells.
    more = contents(two)
    kept = {
        name: data
        for name, data in contents(one).items()
        if name.startswith(("raw/", "truth/")) and name[-4:] != ".csv"
    }
    assert len(kept) > 120
    assert {name: more[name] for name in kept} == kept
    rows = one.joinpath("samples.csv").read_text().splitlines()
    assert set(rows) < set(more["samples.csv"].decode().splitlines())


def test_an_assay_left_out_changes_no_other(one, tmp_path):
    simulate_trial(tmp_path / "less", Design(**SMALL | {"assays": ["tcr", "flow"]}))
    less = {name: data for name, data in contents(tmp_path / "less").items() if name.startswith(("raw/", "truth/tcr"))}
    assert len(less) > 15
    whole = contents(one)
    assert {name: whole[name] for name in less} == less


# The folder


def test_the_study_can_be_read(one):
    study = read_study(one)
    assert study.samples["assay"].unique().sort().to_list() == ["bcr", "bulk_rna", "cytokine", "flow", "scrna", "tcr"]
    assert {"adverse_events", "followup", "labs", "schedule", "tumor_markers"} <= set(study.clinical)
    day0 = study.samples.filter(visit="D0")
    assert day0.select("day", "timing").unique().rows() == [(0, "post")]


def test_the_design_is_kept(one):
    assert read_design(one / "design.yaml") == Design(**SMALL)


def test_an_occupied_folder_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    for folder in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(RunError, match="not an empty folder"):
            simulate_trial(folder, Design(**SMALL))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("confounders", "found", "mend"),
    [
        ({"failed_library": FailedLibrary(sample="SIM-01_D27_tcr")}, "SIM-01_D27_tcr", "did you mean 'SIM-01_D28_tcr'"),
        ({"swapped_pair": SwappedPair()}, "SIM-03_D7_tcr", "name another sample"),
    ],
)
def test_a_confounder_of_what_is_not_there_is_refused(tmp_path, confounders, found, mend):
    with pytest.raises(RunError, match=found) as refused:
        simulate_trial(tmp_path / "s", Design(**SMALL, confounders=Confounders(**confounders)))
    assert mend in str(refused.value)
    assert not (tmp_path / "s").exists()


def test_the_smallest_study_is_whole(tmp_path):
    least = {"visits": ["D28"], "cells": 1, "depth": 1, "single_cells": 1, "beads": 1, "memory_clones": 200}
    simulate_trial(tmp_path / "s", Design(subjects=1, **least))
    study = read_study(tmp_path / "s")
    assert (study.subjects.height, set(study.samples["visit"].drop_nulls()) >= {"D28"}) == (1, True)


# The sample study


def test_the_sample_study_says_what_it_is_and_is_small():
    first, *rest = (SAMPLE / "README.md").read_text().splitlines()
    assert "synthetic" in first
    assert "    tilseq simulate DIR --design design.yaml" in rest
    assert "seed 1" in "\n".join(rest)
    assert sum(map(len, contents(SAMPLE).values())) < 20_000_000


def test_the_sample_study_is_what_its_command_writes(tmp_path):
    design = read_design(SAMPLE / "design.yaml")
    assert settings(design) == (SAMPLE / "study.yaml").read_text()
    rows = write_subject(tmp_path, design, 1)
    made = contents(tmp_path)
    kept = {name: data for name, data in contents(SAMPLE).items() if "SIM-01" in name}
    assert made.keys() == kept.keys()
    for name, data in made.items():
        # What gzip makes of the same text may differ between builds of zlib; the text may not.
        if name.endswith(".h5ad"):
            assert_same_counts(data, kept[name], tmp_path)
        else:
            unpack = gzip.decompress if name.endswith(".gz") else bytes
            assert unpack(data) == unpack(kept[name]), name
    assert_same_rows(rows, tmp_path)


def assert_same_rows(rows, folder):
    """Hold the rows of the subject against those in the tables that all subjects share."""
    tables = dict(INPUTS) | {table: f"clinical/{table.name}.csv" for table in CLINICAL}
    for table, place in tables.items():
        if table.name != "schedule":  # which is of no subject
            write_input_table(rows.pop(table.name), table, folder / "made.csv")
            made, kept = pl.read_csv(folder / "made.csv"), pl.read_csv(SAMPLE / place).filter(subject="SIM-01")
            # A column that is empty for one subject is left out where there is no other.
            assert all(column.null_count() == kept.height for column in kept.drop(made.columns))
            assert_frame_equal(made, kept.select(made.columns), check_dtypes=False)
    for name, truth in rows.items():
        place = f"truth/{name.removeprefix('true_')}.csv"
        if not truth:
            assert "SIM-01" not in (SAMPLE / place).read_text()
            continue
        write_truth(truth, folder / "made.csv")
        head, *kept = (SAMPLE / place).read_text().splitlines()
        assert (folder / "made.csv").read_text().splitlines() == [head, *(x for x in kept if x.startswith("SIM-01"))]


def assert_same_counts(one, other, folder):
    import anndata

    read = []
    for number, data in enumerate((one, other)):
        path = folder / f"{number}.h5ad"
        path.write_bytes(data)
        read.append(anndata.read_h5ad(path))
    assert (read[0].X != read[1].X).nnz == 0
    assert read[0].obs.equals(read[1].obs)
    assert read[0].var_names.equals(read[1].var_names)


def test_the_sample_study_holds_what_a_trial_has(samples):
    study = read_study(SAMPLE)
    assert study.subjects["tumor_type"].to_list() == ["melanoma", "cervical", "nsclc", "melanoma"]
    assert set(samples["assay"]) == {"flow", "cytokine", "tcr", "bcr", "scrna", "bulk_rna"}
    taken = samples.filter(assay="tcr").group_by("subject").agg(pl.col("visit").unique())
    assert {subject: sorted(visits) for subject, visits in taken.iter_rows()} == {
        subject: ["D180", "D28", "D7", "D84", "baseline", "harvest", "product"] for subject in study.subjects["subject"]
    }
    assert (SAMPLE / "truth").is_dir()


def test_the_planted_faults_of_the_sample_study():
    libraries = table("truth/libraries.csv")
    shallow = libraries.filter(pl.col("counted") < 1_000)
    assert shallow.select("sample", "counted").rows() == [("SIM-02_D28_tcr", 60)]
    swapped = libraries.filter(pl.col("sample") != pl.col("content_of"))
    assert swapped.select("sample", "content_of").rows() == [
        ("SIM-03_D7_tcr", "SIM-04_D7_tcr"),
        ("SIM-04_D7_tcr", "SIM-03_D7_tcr"),
    ]


def test_every_event_has_its_label(samples):
    design = read_design(SAMPLE / "design.yaml")
    for name, panel, path in samples.filter(assay="flow").select("sample", "panel", "path").iter_rows():
        read = flowio.FlowData(str(SAMPLE / path))
        expected = design.ics.cells if panel == "ics" else design.cells
        assert (read.version, read.event_count) == ("3.1", expected)
        assert labels(name).len() == expected
        # Debris is small, so labels that had slipped against the events would show.
        forward = read.as_array(preprocess=False)[:, 0]
        debris, beads = ((labels(name) == kind).to_numpy() for kind in ("debris", "bead"))
        assert np.median(forward[debris]) < 0.5 * np.median(forward[~debris & ~beads])


def test_counts_are_those_of_true_clones(samples):
    libraries = {row["sample"]: row for row in table("truth/libraries.csv").iter_rows(named=True)}
    bulk = samples.filter(pl.col("assay") == "tcr", pl.col("library").is_null())
    for name, path in bulk.select("sample", "path").iter_rows():
        rows = rearrangements(path)
        assert rows["duplicate_count"].sum() == libraries[name]["counted"]
        truth = table(f"truth/tcr/{name}.csv.gz")
        assert truth["frequency"].sum() == pytest.approx(1, abs=1e-4)
        assert truth["cells"].sum() == libraries[name]["cells"]
        subject = libraries[name]["content_of"].split("_")[0]
        counted = (
            truth.drop_nulls("clone")
            .filter(pl.col("counted") > 0)
            .join(table(f"truth/clones/{subject}.csv.gz"), on="clone")
        )
        found = rows.join(counted, left_on="junction", right_on="trb_junction", how="semi")
        assert found["duplicate_count"].sum() == counted["counted"].sum()
        assert rows["duplicate_count"].sum() == truth["counted"].sum()


def test_our_reader_reads_the_repertoires_without_a_word(samples):
    read = read_clonotypes(SAMPLE / samples.filter(assay="tcr", specimen="blood")["path"][0])
    assert read.warnings == ()
    assert read.exclusions.height == 0


def test_infused_mass_in_the_files_is_the_truth(samples):
    libraries = {row["sample"]: row for row in table("truth/libraries.csv").iter_rows(named=True)}
    masses = table("truth/infused_mass.csv")
    blood = samples.filter(pl.col("library").is_null(), assay="tcr", specimen="blood")
    assert blood.height == 20
    checked = 0
    for name, subject, visit, path in blood.select("sample", "subject", "visit", "path").iter_rows():
        library = libraries[name]
        if library["content_of"] != name:
            continue
        rows = rearrangements(path)
        clones = table(f"truth/clones/{subject}.csv.gz").filter(pl.col("product_frequency") > 0)
        products = samples.filter(
            pl.col("library").is_null(), assay="tcr", specimen="infusion_product", subject=subject
        )
        seen = pl.concat([rearrangements(product) for product in products["path"]])
        for measure, reference in (("mass", clones["trb_junction"]), ("mass_of_seen", seen["junction"])):
            share = (
                rows.filter(pl.col("junction").is_in(reference.implode()))["duplicate_count"].sum() / library["counted"]
            )
            n = library["n_effective"]
            lower, upper = clopper_pearson(share * n, n, 0.999)
            truth = masses.filter(subject=subject, visit=visit, measure=measure)["value"].item()
            assert lower < truth < upper
            checked += 1
    assert checked == 36


@pytest.mark.parametrize("subject", ["SIM-01", "SIM-02", "SIM-03", "SIM-04"])
def test_infused_clones_rise_and_fall(subject):
    masses = table("truth/infused_mass.csv").filter(subject=subject)

    def mass(visit, measure="mass"):
        return masses.filter(visit=visit, measure=measure)["value"].item()

    assert mass("baseline") < 0.03 < mass("D180") < mass("D84") < mass("D28") < mass("D7")
    assert mass("baseline", "infused_share") == 0
    for visit in ("D7", "D28", "D84", "D180"):
        assert mass(visit, "mass_new") < mass(visit)
        assert mass(visit, "mass_of_seen") < mass(visit)
        assert mass(visit, "infused_share") < mass(visit)


def test_the_recorded_responses_are_those_of_recist():
    derived = response(table("clinical/lesions.csv"), responses=table("clinical/responses.csv"))
    later = derived.filter(~pl.col("baseline"))
    truth = table("truth/responses.csv")
    assert truth.height > 12
    both = later.join(truth, on=["subject", "day"], how="inner")
    assert both.height == truth.height
    assert both.filter(pl.col("response") != pl.col("by_rule")).height == 0
    assert (both["recorded"] == both["recorded_right"]).all()


def test_tubes_of_intracellular_interferon_come_in_pairs_with_their_truth(samples):
    ics = samples.filter(panel="ics")
    pairs = ics.group_by("subject", "visit", "day").agg(pl.col("role").sort().str.join(" "), pl.col("run").n_unique())
    assert pairs.height == 6
    assert set(pairs["role"]) == {"stimulated unstimulated"}
    assert set(pairs["run"]) == {1}
    assert ics.group_by("role").agg(pl.col("stimulus").unique()).sort("role").rows() == [
        ("stimulated", ["autologous tumour"]),
        ("unstimulated", [None]),
    ]
    truth = table("truth/intracellular.csv")
    assert set(truth["sample"]) == set(ics["sample"])
    for name, of_tube in truth.group_by("sample"):
        told = table(f"truth/flow/{name[0]}.csv.gz")
        made = dict(told.group_by("label").agg(pl.col("ifn_gamma").sum()).rows())
        assert {kind: made[kind] for kind in of_tube["population"]} == dict(of_tube["population", "positive"].rows())
    assert truth.filter(pl.col("sample").str.ends_with("none"))["share"].max() < 0.003
    cd8 = dict(truth.filter(pl.col("sample").str.ends_with("tumor"), population="CD8+ T")["sample", "share"].rows())
    for subject in ("SIM-01", "SIM-04"):
        before, early, late = (cd8[f"{subject}_{visit}_icstumor"] for visit in ("baseline", "D28", "D84"))
        assert before < 0.004 < late < early
    # SIM-01 had a partial response, SIM-04 progressed.
    assert cd8["SIM-01_D28_icstumor"] > 2 * cd8["SIM-04_D28_icstumor"]
