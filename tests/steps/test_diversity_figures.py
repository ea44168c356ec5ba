import json

import polars as pl

from tilseq.repertoire import depth, hill_profile, rarefaction
from tilseq.steps.diversity_figures import draw_diversity

COUNTS = [45, 20, 10, 8, 5, 4, 3, 2, 1, 1, 1]


def parts(**of_samples):
    """Return profiles, curves, clones and depth of samples: name → locus and what is counted."""
    profiles, curves, clones, cells = [], [], {}, []
    for name, (locus, count_of) in of_samples.items():
        table = pl.DataFrame({"junction": [f"j{i}" for i in range(11)], "duplicate_count": COUNTS})
        clones[name] = table.with_columns(locus=pl.lit(locus))
        known = {"sample": name, "count_of": count_of}
        profiles.append(hill_profile(clones[name], **known))
        curves.append(rarefaction(clones[name], points=4, **known))
        cells.append(depth(clones[name], **known))
    return pl.concat(profiles), pl.concat(curves), clones, pl.concat(cells)


def test_single_cells_and_libraries_have_figures_of_their_own(tmp_path):
    draw_diversity(*parts(a=("TRB", "templates"), b=("TRB", "cells"), c=("TRB", "reads"), d=("TRA", "cells")), tmp_path)
    captions = json.loads((tmp_path / "captions.json").read_text())
    found = {name.rpartition("-")[0]: words.split(":")[0] for name, words in captions.items() if name.endswith("svg")}
    libraries, cells = "TRB, sequenced libraries", "TRB, samples of single cells"
    assert found == {
        "Hill_profile_TRB": libraries,
        "ranks_TRB": libraries,
        "rarefaction_TRB": libraries,
        "Hill_profile_TRB_cells": cells,
        "ranks_TRB_cells": cells,
        "rarefaction_TRB_cells": cells,
    }


def test_a_caption_tells_of_dashed_lines_only_where_there_are_some(tmp_path):
    profiles, curves, clones, cells = parts(a=("TRB", "templates"))
    for shown, dashed in ((curves, True), (curves.filter(pl.col("method") != "extrapolated"), False)):
        draw_diversity(profiles, shown, clones, cells, tmp_path / str(dashed))
        captions = json.loads((tmp_path / str(dashed) / "captions.json").read_text())
        (told,) = [words for name, words in captions.items() if name.startswith("rarefaction") and name.endswith("svg")]
        assert ("dashed" in told) == dashed


def test_a_chain_that_tells_little_is_drawn_where_there_is_no_other(tmp_path):
    draw_diversity(*parts(a=("TRA", "reads")), tmp_path)
    assert {path.name.rpartition("-")[0] for path in tmp_path.glob("*.svg")} == {"Hill_profile_TRA", "ranks_TRA"}


def test_nothing_is_drawn_of_nothing(tmp_path):
    profiles, curves, _, cells = parts(a=("TRB", "templates"))
    draw_diversity(profiles.clear(), curves.clear(), {}, cells.clear(), tmp_path)
    assert not list(tmp_path.iterdir())
