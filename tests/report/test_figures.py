import json

from tilseq.io.files import write_json
from tilseq.report import make_figures, render
from tilseq.report.figures import FIGURES

ALL = ["flow_cd3_percent", "flow_cd4_cd8_ratio", "repertoire_mass", "expression_scores", "clinical_spider"]


def test_the_cohort_gets_its_figures_with_captions_beside_those_of_the_tubes(good_out):
    written = make_figures(good_out)
    assert [path.relative_to(good_out / "figures").as_posix() for path in written] == [
        f"study/{name}.{kind}" for name in ALL for kind in ("svg", "png")
    ]
    captions = json.loads((good_out / "figures" / "captions.json").read_text())
    assert captions["flow/tube_0.svg"] == "Gates of P01_0_flow"
    assert captions["study/repertoire_mass.svg"] == (
        "Share of the blood repertoire held by clones of the infusion product (TRB, tcr), with 95 % limits."
    )
    html = render(good_out).read_text()
    order = [html.index(f'id="{part}"') for part in ("clinical", "flow", "repertoire", "expression", "quality")]
    places = [html.index(f'alt="{captions[f"study/{name}.svg"]}"') for name in ALL]
    assert [sum(place > start for start in order) for place in places] == [2, 2, 3, 4, 1]


def test_hostile_names_are_drawn_and_the_same_rows_give_the_same_bytes(hostile_out):
    first = {path: path.read_bytes() for path in make_figures(hostile_out)}
    assert len(first) == 2 * len(FIGURES)
    assert {path: path.read_bytes() for path in make_figures(hostile_out)} == first


def test_a_figure_whose_rows_are_gone_is_taken_away_with_its_caption(tmp_path):
    write_json(tmp_path / "run.json", {})
    folder = tmp_path / "figures" / "study"
    folder.mkdir(parents=True)
    for name in ("clinical_spider.svg", "clinical_spider.png", "other.svg"):
        (folder / name).write_text("<svg/>")
    write_json(tmp_path / "figures" / "captions.json", {"study/clinical_spider.svg": "old", "study/other.svg": "kept"})
    assert make_figures(tmp_path) == []
    assert [path.name for path in folder.iterdir()] == ["other.svg"]
    assert json.loads((tmp_path / "figures" / "captions.json").read_text()) == {"study/other.svg": "kept"}
