import re

import polars as pl
import pytest

from tilseq.simulate.design import Design
from tilseq.simulate.folder import texts
from tilseq.simulate.subjects import draw_subject
from tilseq.simulate.trial import simulate_trial
from tilseq.study.settings import read_settings


def settings(folder, design):
    path = folder / "study.yaml"
    path.write_text(texts.settings(design))
    read, _, problems = read_settings(path)
    assert problems == []
    return read


def test_settings_name_each_visit_with_its_day_and_window(tmp_path):
    design = Design(visits=["baseline", "D0", "D7", "D100"], assays=["tcr"])
    read = settings(tmp_path, design)
    assert {name: (visit.day, visit.window) for name, visit in read.visits.items()} == {
        "harvest": (-45, None),
        "baseline": (-10, None),
        "product": (-1, None),
        "D0": (0, None),
        "D7": (7, 2),
        "D100": (100, 10),
    }
    assert list(read.visits) == ["harvest", "baseline", "product", "D0", "D7", "D100"]
    assert (read.study, read.title) == ("simulated", "Synthetic trial, seed 1")
    assert read.panels == {}


def test_scans_are_visits_where_there_is_a_clinic(tmp_path):
    read = settings(tmp_path, Design(visits=["D7"], assays=["clinic"], seed=9))
    assert {name: (visit.day, visit.window) for name, visit in read.visits.items()} == {
        "harvest": (-45, None),
        "baseline": (-10, 4),
        "product": (-1, None),
        "D7": (7, 2),
        "D42": (42, 4),
        "D84": (84, 7),
        "D126": (126, 7),
        "D168": (168, 7),
        "D252": (252, 14),
        "D336": (336, 14),
    }
    assert read.title == "Synthetic trial, seed 9"


def test_panels_name_the_channel_of_each_marker(tmp_path):
    stained = settings(tmp_path, Design(assays=["ics"])).panels["ics"].markers
    assert stained == {
        "CD3": ["BV421-A"],
        "viability": ["BV510-A"],
        "CD4": ["FITC-A"],
        "CD8": ["PerCP-Cy5-5-A"],
        "IFN-gamma": ["APC-A"],
    }
    read = settings(tmp_path, Design(assays=["flow"]))
    assert set(read.panels) == {"tbnk", "t_state"}
    assert read.panels["tbnk"].markers == {
        "CD3": ["FITC-A"],
        "CD16": ["PE-A"],
        "CD56": ["PE-A"],
        "CD45": ["PerCP-Cy5-5-A"],
        "CD4": ["PE-Cy7-A"],
        "CD19": ["APC-A"],
        "CD8": ["APC-Cy7-A"],
    }
    assert {"CCR7", "PD-1", "viability", "TCR Vb"} <= set(read.panels["t_state"].markers)
    marked = read.panels["t_state"].populations["CD8+ TCR Vb+"]
    assert (marked.parent, marked.markers) == ("CD3+", ["CD4-", "CD8+", "TCR Vb+"])
    assert not read.panels["tbnk"].populations


@pytest.mark.parametrize("number", [1, 2])
def test_true_clones_say_where_each_clone_is(number):
    subject = draw_subject(number, Design(memory_clones=300))
    table = texts.true_clones(subject)
    assert table.height == 2_500 + 300 + 120
    tumor, product, memory = (table[f"{name}_frequency"] for name in ("tumor", "product", "memory"))
    assert [shares.sum() for shares in (tumor, product, memory)] == pytest.approx([1, 1, 1])
    assert table["in_tumor"].equals((tumor > 0).alias("in_tumor"))
    expected = (
        pl.when((product > 0) & (memory > 0))
        .then(pl.lit("infused_and_preexisting"))
        .when(product > 0)
        .then(pl.lit("infused_only"))
        .when(memory > 0)
        .then(pl.lit("preexisting_only"))
        .when(tumor > 0)
        .then(pl.lit("tumor_resident"))
        .otherwise(pl.lit("emergent"))
    )
    assert table.select(expected == pl.col("origin")).to_series().all()
    assert set(table["home"]) == {"tumor", "memory", "emergent"}
    assert (table.filter(origin="emergent")["home"] == "emergent").all()
    lots = [name for name in table.columns if name.startswith("product_LOT")]
    assert lots == ([] if number == 1 else ["product_LOT-02A", "product_LOT-02B"])
    if lots:
        mixed = 0.65 * table[lots[0]] + 0.35 * table[lots[1]]
        assert mixed.to_list() == pytest.approx(product.to_list())


def test_the_readme_says_first_that_nothing_is_real():
    assert texts.readme(Design()).splitlines()[0] == (
        "This study is synthetic: no cell, sequence, scan or record in it comes from a person."
    )
    assert "It holds 4 subjects, seed 1." in texts.readme(Design())
    assert "It holds 1 subject, seed 3." in texts.readme(Design(subjects=1, seed=3))


def test_the_readme_explains_every_file_of_the_truth(tmp_path):
    small = {"memory_clones": 200, "depth": 60, "cells": 60, "single_cells": 30, "beads": 10}
    simulate_trial(tmp_path, Design(subjects=1, visits=["baseline", "D28"], **small))
    truth = [path.relative_to(tmp_path / "truth") for path in (tmp_path / "truth").rglob("*.csv*")]
    told = "".join(line.split("|")[1] for line in texts.readme(Design()).splitlines() if line.startswith("| `"))
    names = {name.removeprefix("truth/") for name in re.findall(r"`([^`]+)`", told)}
    written = {f"{path.parent}/" if len(path.parts) > 1 else path.name for path in truth}
    explained = {f"{name.split('/')[0]}/" if "/" in name else name for name in names}
    assert written <= explained
    assert explained - written <= {"transfusions.csv"}  # of a subject who may have needed none


def test_a_clinic_is_graded_by_the_version_that_its_truth_is(tmp_path):
    clinical = settings(tmp_path, Design(visits=["D7"], assays=["clinic"])).analysis.clinical
    assert (clinical.ctcae, clinical.il2_end_day) == (5, 4)
    assert settings(tmp_path, Design(visits=["D7"], assays=["tcr"])).analysis.clinical.ctcae is None


def test_flow_knows_the_error_of_the_laboratorys_lymphocyte_counts(tmp_path):
    """5 % from day to day and 6 % of the measurement are 7.8 %, in place of the 16 % that analyses take by default."""
    design = Design(visits=["D7"], assays=["flow", "clinic"])
    assert "  flow:\n    blood_count_cv: 0.08\n" in texts.settings(design)
    assert settings(tmp_path, design).analysis.flow.blood_count_cv == 0.08
    assert settings(tmp_path, Design(visits=["D7"], assays=["flow"])).analysis.flow.blood_count_cv == 0.16
