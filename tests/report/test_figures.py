import json
import shutil

import polars as pl

from tilseq.io.files import write_json
from tilseq.io.write import write_table
from tilseq.report import make_figures, render
from tilseq.report.figures import FIGURES, drawings
from tilseq.report.images import pictures
from tilseq.report.results import read_results
from tilseq.tables import outputs

ALL = ["flow_t_cells", "flow_infused", "repertoire_mass", "expression_scores"]
ALL += ["clinical_spider", "clinical_waterfall"]
ALL += [f"clinical_survival_{parameter}" for parameter in ("OS", "PFS", "DOR")]
SUBJECTS = [f"flow_P0{i}" for i in range(1, 7)] + ["repertoire_P01_TRB", "repertoire_P02_TRB"]


def test_the_cohort_gets_its_figures_with_captions_beside_those_of_the_tubes(drawn, tmp_path):
    assert json.loads((drawn.parent / "written.json").read_text()) == [
        f"figures/{folder}/{name}.{kind}"
        for folder, names in (("study", ALL), ("subject", SUBJECTS))
        for name in names
        for kind in ("svg", "png")
    ]
    captions = json.loads((drawn / "figures" / "captions.json").read_text())
    assert captions["flow/tube_0.svg"] == "P01_0_flow: gates"
    assert captions["study/repertoire_mass.svg"] == (
        "Share of the blood repertoire held by clones of the infusion product (TRB, tcr), with 95 % limits."
    )
    assert captions["study/flow_infused.svg"] == (
        "Cells in blood compatible with infused ones, as a share of CD3+ and per microlitre, with 95 % limits."
    )
    html = render(shutil.copytree(drawn, tmp_path / "out")).read_text()
    order = [html.index(f'id="{part}"') for part in ("clinical", "flow", "repertoire", "expression", "quality")]
    places = [html.index(f'alt="{captions[f"study/{name}.svg"]}"') for name in ALL]
    assert [sum(place > start for start in order) for place in places] == [2, 2, 3, 4, *[1] * 5]
    assert captions["subject/flow_P01.svg"] == "P01: T cells in blood over time, with 95 % limits."
    assert order[1] < html.index(f'alt="{captions["subject/flow_P06.svg"]}"') < order[2]


def test_survival_stands_before_the_depth_of_response_and_single_courses(drawn):
    shown = [picture.file for picture in pictures(read_results(drawn))["clinical:cohort"]]
    names = [*(f"survival_{parameter}" for parameter in ("OS", "PFS", "DOR")), "waterfall", "spider"]
    assert shown == [f"figures/study/clinical_{name}.svg" for name in names]


def test_scores_stand_by_subject_and_day_with_how_they_were_found(good_out):
    days = {"z_harvest": -45, "m_product": -1, "a_D28": 28}  # by name they would stand the other way round
    of = {"subject": "P1", "visit": "v", "specimen": "blood", "assay": "scrna", "state": "ok"}
    samples = [of | {"sample": name, "day": day} for name, day in days.items()]
    write_table(outputs.SAMPLES_RUN.frame(samples), outputs.SAMPLES_RUN, good_out / "tables")
    score = {"set": "memory", "value": 0.4, "n": 90, "genes_found": 18, "genes_listed": 20, "method": "ucell"}
    rows = [score | {"sample": name} for name in sorted(days)]
    write_table(outputs.SCORES.frame(rows), outputs.SCORES, good_out / "tables")
    (drawing,) = (one for one in drawings(read_results(good_out)) if one.name == "expression_scores")
    axes = drawing.draw()
    assert [label.get_text() for label in axes.get_xticklabels()] == list(days)
    assert axes.figure.axes[1].get_ylabel() == "score (ucell)"
    assert drawing.caption.startswith("Gene-set scores (ucell), the mean over the cells of each sample;")
    assert drawing.caption.endswith("compare within a row.")
    few = [row | {"set": "hypoxia", "value": None, "genes_found": 2} for row in rows]
    write_table(outputs.SCORES.frame([*rows, *few]), outputs.SCORES, good_out / "tables")
    (drawing,) = (one for one in drawings(read_results(good_out)) if one.name == "expression_scores")
    assert [label.get_text() for label in drawing.draw().get_yticklabels()] == ["memory"]
    assert drawing.caption.endswith("row. Not drawn: 1 of 2 sets, of which too few genes are there.")
    write_table(outputs.SCORES.frame(few), outputs.SCORES, good_out / "tables")
    assert "expression_scores" not in [one.name for one in drawings(read_results(good_out))]


def test_hostile_names_are_drawn(hostile_out):
    written = make_figures(hostile_out)
    subjects = pl.read_parquet(hostile_out / "tables" / "endpoints.parquet")["subject"].n_unique()
    assert len(set(written)) == 2 * (len(FIGURES) + subjects + 2)
    assert all(path.stat().st_size for path in written)


def test_the_same_rows_give_the_same_bytes_and_those_of_subjects_gone_are_taken_away(drawn, tmp_path):
    out = shutil.copytree(drawn, tmp_path / "out")
    endpoints = pl.read_parquet(out / "tables" / "endpoints.parquet")
    write_table(endpoints.filter(pl.col("subject").is_in(["P01", "P04"])), outputs.ENDPOINTS, out / "tables")
    again = {path.relative_to(out): path.read_bytes() for path in make_figures(out)}
    of_subjects = ("flow_P01", "flow_P04", "repertoire_P01_TRB", "repertoire_P02_TRB")
    files = {f"{name}.{kind}" for name in of_subjects for kind in ("svg", "png")}
    assert {path.name for path in again if path.parent.name == "subject"} == files
    assert {path.name for path in (out / "figures" / "subject").iterdir()} == files
    # The other figures are of all subjects' endpoints.
    same = files | {f"{name}.{kind}" for name in ("expression_scores", "clinical_spider") for kind in ("svg", "png")}
    of_same_rows = {path: content for path, content in again.items() if path.name in same}
    assert len(of_same_rows) == len(same)
    assert of_same_rows == {path: (drawn / path).read_bytes() for path in of_same_rows}


def test_a_figure_whose_rows_are_gone_is_taken_away_with_its_caption(tmp_path):
    write_json(tmp_path / "run.json", {})
    folder = tmp_path / "figures" / "study"
    folder.mkdir(parents=True)
    for name in ("clinical_spider.svg", "clinical_spider.png", "other.svg"):
        (folder / name).write_text("<svg/>")
    of_subject = tmp_path / "figures" / "subject" / "flow_S1.svg"
    of_subject.parent.mkdir()
    of_subject.write_text("<svg/>")
    captions = {"study/clinical_spider.svg": "old", "study/other.svg": "kept", "subject/flow_S1.svg": "old"}
    write_json(tmp_path / "figures" / "captions.json", captions)
    assert make_figures(tmp_path) == []
    assert [path.name for path in folder.iterdir()] == ["other.svg"]
    assert not of_subject.exists()
    assert json.loads((tmp_path / "figures" / "captions.json").read_text()) == {"study/other.svg": "kept"}
