import json

import polars as pl
import pytest

from tilseq.plots import tracking
from tilseq.steps.tracking_figures import draw_tracking

JUNCTIONS = ("TGTGCCTTT", "TGTAAATTT", "TGTGGGTTT")
CHANGE = ("sample_before", "sample_after", "locus", "junction", "share_before", "share_after", "cells_before",
          "cells_after", "p", "call")  # fmt: skip


def clones(shares, n, locus="TRB"):
    """Rows of the table `clones`, one sample after another."""
    rows = [
        (sample, locus, junction, share, n, 0.01)
        for sample, of_sample in shares.items()
        for junction, share in zip(JUNCTIONS, of_sample, strict=True)
    ]
    names = ["sample", "locus", "junction", "frequency", "n_effective", "limit_of_detection"]
    return pl.DataFrame(rows, schema=names, orient="row")


SHARES = {"lot": (0.6, 0.3, 0.0), "lot_sc": (0.5, 0.5, 0.0), "before": (0.0, 0.1, 0.4), "d7": (0.5, 0.2, 0.1),
          "d28": (0.3, 0.0, 0.4)}  # fmt: skip
ORIGINS = pl.DataFrame(
    {
        "subject": "S1",
        "locus": "TRB",
        "junction": JUNCTIONS,
        "origin": ["infused_only", "infused_and_preexisting", "preexisting_only"],
        "in_product": [True, True, False],
        "product_frequency": [0.6, 0.3, None],
        "baseline_frequency": [None, 0.1, 0.4],
        "tumor_frequency": [None, None, None],
        "later_frequency": [0.4, 0.1, 0.2],
    },
    schema_overrides={"tumor_frequency": pl.Float64},
)

EARLY = pl.DataFrame(schema=dict.fromkeys(("sample", "locus", "junction"), pl.String))
GIVEN = [{"day": 0, "lot": None}]


@pytest.fixture
def rows(sample):
    of = {"lot": -1, "lot_sc": -1, "before": -8, "d7": 7, "d28": 28}
    made = [
        sample(name, visit=name, day=day, assay="tcr", specimen="infusion_product" if "lot" in name else "blood")
        for name, day in of.items()
    ]
    return sorted(made, key=lambda row: row["day"])


def tables(*cells):
    """Clonotype tables of which these samples count cells, the others UMIs."""
    return {
        name: pl.DataFrame({"duplicate_count": [1]}).with_columns(count_of=pl.lit("cells" if name in cells else "umis"))
        for name in SHARES
    }


def changed(*pairs):
    rows = [
        (*pair, "TRB", junction, 0.1, 0.2, 10.0, 20.0, 0.5, "cannot_tell") for pair in pairs for junction in JUNCTIONS
    ]
    return pl.DataFrame(rows, schema=list(CHANGE), orient="row")


def drawn(folder):
    return json.loads((folder / "captions.json").read_text())


def test_a_subject_has_four_figures_each_with_what_it_shows(tmp_path, rows, monkeypatch):
    asked = {}
    real = tracking.clone_tracking

    def spy(*given, **named):
        asked.update(named)
        return real(*given, **named)

    monkeypatch.setattr(tracking, "clone_tracking", spy)
    pairs = changed(("lot", "d7"), ("lot", "d28"), ("lot_sc", "d28"), ("d7", "d28"))
    draw_tracking(rows, tables("lot_sc"), clones(SHARES, 300.0), ORIGINS, pairs, EARLY, GIVEN, tmp_path)
    names = ["1-tracking", "2-courses", "3-change-1", "4-compartments"]
    assert sorted(drawn(tmp_path)) == sorted(f"{name}.{kind}" for name in names for kind in ("png", "svg"))
    # The single cells of the lot are left out beside its bulk library.
    assert list(asked["samples"]) == ["before", "lot", "d7", "d28"] and asked["products"] == ["lot"]
    assert drawn(tmp_path)["3-change-1.svg"].startswith("clones in lot, day -1 and in d28, day 28, called at")


def test_a_visit_whose_sample_takes_no_part_is_told_and_has_an_empty_place(tmp_path, rows, sample, monkeypatch):
    asked = {}
    real = tracking.clone_tracking
    monkeypatch.setattr(
        tracking, "clone_tracking", lambda *given, **named: asked.update(named) or real(*given, **named)
    )
    more = {"d9": "d9", "d9_again": "d9", "d7_sc": "d7"}
    of = {"assay": "tcr", "specimen": "blood"}
    others = [sample(name, visit=visit, day=int(visit[1:]), **of) for name, visit in more.items()]
    every = sorted([*rows, *others], key=lambda row: row["day"])
    draw_tracking(every, tables("lot_sc"), clones(SHARES, 300.0), ORIGINS, changed(), EARLY, GIVEN, tmp_path)
    told = " Not drawn, as their samples take no part (see quality): d9, day 9."
    captions = {name: words for name, words in drawn(tmp_path).items() if name.endswith("svg")}
    assert captions["1-tracking.svg"].endswith(told)
    assert captions["2-courses.svg"].endswith(told + " No line crosses such a visit.")
    assert captions["4-compartments.svg"].endswith(told)
    assert list(asked["samples"]) == ["before", "lot", "d7", "d9_again", "d28"] and asked["gaps"] == {"d9_again"}
    assert "hold at that end, all its colours together." in captions["4-compartments.svg"]


def test_cells_alone_are_drawn(tmp_path, rows):
    pairs = changed(("lot_sc", "d28"))
    draw_tracking(rows, tables(*SHARES), clones(SHARES, 300.0), ORIGINS, pairs, EARLY, GIVEN, tmp_path)
    assert "3-change-1.svg" in drawn(tmp_path)


def test_without_clones_followed_there_is_no_figure(tmp_path, rows):
    draw_tracking(rows, {}, clones({}, 1.0), ORIGINS, changed(), EARLY, GIVEN, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_blood_that_shows_none_of_the_clones_has_no_courses_and_stops_nothing(tmp_path, rows):
    unseen = SHARES | dict.fromkeys(("before", "d7", "d28"), (0.0, 0.0, 0.0))
    draw_tracking(rows, tables("lot_sc"), clones(unseen, 300.0), ORIGINS, changed(), EARLY, GIVEN, tmp_path)
    assert sorted(name for name in drawn(tmp_path) if name.endswith("svg")) == ["1-tracking.svg", "4-compartments.svg"]


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({"tumor", "baseline"}, "what of the tumour and of blood before the infusion went into the product, and what"),
        ({"baseline"}, "what of blood before the infusion went into the product, and what blood after"),
        (set(), "what blood after the infusion, all visits together, holds of the product."),
    ],
)
def test_compartments_name_no_sample_that_there_is_not(tmp_path, rows, there, told):
    held = ORIGINS.with_columns(
        pl.lit(0.1 if place in there else None, pl.Float64).alias(f"{place}_frequency")
        for place in ("tumor", "baseline")
    )
    draw_tracking(rows, tables("lot_sc"), clones(SHARES, 300.0), held, changed(), EARLY, GIVEN, tmp_path)
    assert drawn(tmp_path)["4-compartments.svg"].startswith(told)
