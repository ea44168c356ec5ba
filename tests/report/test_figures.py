import json

import polars as pl

from tilseq.io.files import write_json
from tilseq.io.write import write_table
from tilseq.report import make_figures, render
from tilseq.report.figures import FIGURES
from tilseq.tables import outputs

ALL = ["flow_t_cells", "repertoire_mass", "expression_scores", "clinical_spider"]
SUBJECTS = [f"flow_P0{i}" for i in range(1, 7)] + ["repertoire_P01_TRB", "repertoire_P02_TRB"]


def test_the_cohort_gets_its_figures_with_captions_beside_those_of_the_tubes(good_out):
    written = make_figures(good_out)
    assert [path.relative_to(good_out / "figures").as_posix() for path in written] == [
        f"{folder}/{name}.{kind}"
        for folder, names in (("study", ALL), ("subject", SUBJECTS))
        for name in names
        for kind in ("svg", "png")
    ]
    captions = json.loads((good_out / "figures" / "captions.json").read_text())
    assert captions["flow/tube_0.svg"] == "P01_0_flow: gates"
    assert captions["study/repertoire_mass.svg"] == (
        "Share of the blood repertoire held by clones of the infusion product (TRB, tcr), with 95 % limits."
    )
    html = render(good_out).read_text()
    order = [html.index(f'id="{part}"') for part in ("clinical", "flow", "repertoire", "expression", "quality")]
    places = [html.index(f'alt="{captions[f"study/{name}.svg"]}"') for name in ALL]
    assert [sum(place > start for start in order) for place in places] == [2, 3, 4, 1]
    assert captions["subject/flow_P01.svg"] == "P01: T cells in blood over time, with 95 % limits."
    assert order[1] < html.index(f'alt="{captions["subject/flow_P06.svg"]}"') < order[2]


def test_hostile_names_are_drawn(hostile_out):
    written = make_figures(hostile_out)
    subjects = pl.read_parquet(hostile_out / "tables" / "endpoints.parquet")["subject"].n_unique()
    assert len(set(written)) == 2 * (len(FIGURES) + subjects + 2)
    assert all(path.stat().st_size for path in written)


def test_the_same_rows_give_the_same_bytes(good_out):
    endpoints = pl.read_parquet(good_out / "tables" / "endpoints.parquet")
    write_table(endpoints.filter(pl.col("subject").is_in(["P01", "P04"])), outputs.ENDPOINTS, good_out / "tables")
    first = {path: path.read_bytes() for path in make_figures(good_out)}
    assert {path.name for path in first if path.parent.name == "subject"} == {
        f"{name}.{kind}"
        for name in ("flow_P01", "flow_P04", "repertoire_P01_TRB", "repertoire_P02_TRB")
        for kind in ("svg", "png")
    }  # fmt: skip
    assert {path: path.read_bytes() for path in make_figures(good_out)} == first


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
