import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.signs import add_by_rules
from tilseq.flow.tree import Tree
from tilseq.populations import T_CELLS, rule

NUMBERS = {"helper": 300, "killer": 200, "neither": 100, "B": 100, "NK": 60}
SIGNS = {
    "CD3": ("helper", "killer", "neither"), "CD4": ("helper",), "CD8": ("killer",), "CD19": ("B",), "CD56": ("NK",),
}  # fmt: skip


def tree(markers=("CD3", "CD4", "CD8"), thresholds=None):
    """So many cells of each kind, at 5,000 in what they bear and at 0 in what they lack, each by 50."""
    random = np.random.default_rng(5)
    kinds = np.repeat(list(NUMBERS), list(NUMBERS.values()))
    values = {
        name: (random.normal(0, 50, 760) + 5000 * np.isin(kinds, SIGNS.get(name, ()))).astype(np.float32)
        for name in markers
    }
    made = Tree("a", {name: name for name in markers}, values, dict.fromkeys(markers, 150.0), thresholds or {})
    made.add("lymphocytes", None, np.ones(760, dtype=bool))
    return made


def events(made):
    return {name: one.events for name, one in made.populations.items()}


def test_the_tree_of_t_cells_by_its_signs():
    made = tree(("CD3", "CD4", "CD8", "CD19", "CD56"))
    assert add_by_rules(made, T_CELLS) == []
    assert events(made) == {
        "lymphocytes": 760, "CD3+": 600, "CD3-": 160, "CD4+ T": 300, "CD8+ T": 200, "DN T": 100, "DP T": 0,
        "B": 100, "NK": 60,
    }  # fmt: skip
    assert {cut.source for cut in made.cuts.values()} == {"valley"}


def test_b_and_nk_cells_without_channels_are_left_out_without_a_word():
    made = tree()
    assert add_by_rules(made, T_CELLS) == []
    assert not {"B", "NK"} & made.populations.keys()


def test_a_marker_without_a_valley_is_cut_above_cells_that_lack_it():
    """No T cell bears CD8, so that it has no valley: CD4+ T cells are known to lack it."""
    made = tree()
    made.values["CD8"][300:500] -= 5000
    assert add_by_rules(made, T_CELLS) == []
    cut = made.cuts["CD8", "CD3+"]
    # A spread of 50 at a cofactor of 150: MAD arcsinh(0.2248), 4 × 1.4826 of it is 1.322, 150 sinh(1.322) = 261.
    assert (cut.source, cut.threshold) == ("fallback", pytest.approx(261, rel=0.15))
    assert events(made)["DN T"] == pytest.approx(300, abs=3)


def test_a_needed_marker_that_cannot_be_cut_is_an_error():
    made = tree()
    made.values["CD3"][:] = np.random.default_rng(0).normal(0, 50, 760)
    with pytest.raises(AnalysisError, match="CD3\\+ and CD3- events cannot be told apart among lymphocytes"):
        add_by_rules(made, T_CELLS)


def test_a_population_of_the_study_that_cannot_be_told_says_why():
    further = {
        "Treg": rule("CD4+ T", "CD25+", "CD127-"),
        "γδ T": rule("CD3+", "TCRgd+"),
        "part": rule("Treg", "CD45RA+"),
    }
    told = add_by_rules(tree(("CD3", "CD4", "CD8", "CD25")), {**T_CELLS, **further})
    assert [(row["check"], row["verdict"], row["reason"]) for row in told] == [
        ("population γδ T", "warn", "not available: no channel for TCRgd"),
        ("population Treg", "warn", "not available: no channel for CD127; no valley of CD25 among CD4+ T"),
        ("population part", "warn", "not available: there is no Treg"),
    ]


def test_one_of_two_markers_will_do_and_the_other_is_told():
    made = tree(("CD3", "CD4", "CD8", "CD56", "CD19"))
    told = add_by_rules(made, {**T_CELLS, "innate": rule("CD3-", "CD56+|CD57+")})
    assert [(row["check"], row["reason"]) for row in told] == [("population innate", "no channel for CD57")]
    assert events(made)["innate"] == 60
