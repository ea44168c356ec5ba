import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.backgating import add_lymphocytes, is_near
from tilseq.flow.lymphocytes import Region
from tilseq.flow.tree import Cut, Tree

LENT = Region({"FSC-A": 100.0, "SSC-A": 50.0}, {"FSC-A": 0.1, "SSC-A": 0.2}, 4.0, 3.4, 4.6, None, "cohort")


def tree(thresholds=None, borrowed=None, t_cells=200):
    """Lymphocytes at 100 and 50 on scatter, some of them bright in CD3; 100 monocytes three times as large; one giant.

    Scatter spreads by 5 % (lymphocytes 95 to 105, 47.5 to 52.5), so that all lie within the usual region.
    """
    random = np.random.default_rng(1)
    sizes = np.concatenate([np.full(400, 1.0), np.full(100, 3.0), [20.0]])
    forward = (100 * sizes * random.uniform(0.95, 1.05, 501)).astype(np.float32)
    side = (50 * sizes * random.uniform(0.95, 1.05, 501)).astype(np.float32)
    cd3 = random.normal(0, 50, 501).astype(np.float32)
    cd3[:t_cells] += 5000
    values = {"FSC-A": forward, "SSC-A": side, "CD3": cd3}
    channels = {name: name for name in values}
    made = Tree("a", channels, values, {"CD3": 150.0}, thresholds or {}, borrowed or {})
    made.add("cells", None, np.ones(501, dtype=bool))
    return made


def test_lymphocytes_are_those_about_the_t_cells():
    made = tree()
    region = add_lymphocytes(made, "cells", None)
    assert made.populations["lymphocytes"].events == 400 and made.mask("lymphocytes")[:400].all()
    assert region.centre["FSC-A"] == pytest.approx(100, rel=0.02)
    assert region.centre["SSC-A"] == pytest.approx(50, rel=0.02)
    assert region.source in ("valley", "fallback")
    assert made.far_from_others[:400].all()


def test_thresholds_of_scatter_take_the_place_of_the_region():
    made = tree({"FSC-A": 99.0, "SSC-A": 100.0})
    assert add_lymphocytes(made, "cells", None) is None
    expected = (made.values["FSC-A"] > 99) & (made.values["SSC-A"] <= 100)
    assert (made.mask("lymphocytes") == expected).all() and made.far_from_others is None


def test_a_tube_with_too_few_t_cells_borrows_where_other_tubes_have_lymphocytes():
    cut = Cut("CD3", "lymphocytes", 1000.0, 800.0, 1200.0, None, "cohort")
    made = tree(borrowed={("CD3", "lymphocytes"): cut}, t_cells=9)
    region = add_lymphocytes(made, "cells", LENT)
    assert (region.source, region.centre) == ("cohort", {"FSC-A": 100.0, "SSC-A": 50.0})
    # 4.0 - 0.75 for a tube of rare T cells, where no valley ends it: 5 % lie within, a factor of 3 does not.
    assert made.populations["lymphocytes"].events == 400


def test_few_t_cells_among_many_others_that_are_as_bright_lie_where_other_tubes_have_lymphocytes():
    # 60 T cells as in other tubes; 440 granulocytes twice as large, side scatter anywhere from 100 to 1,600
    random = np.random.default_rng(2)
    forward = np.concatenate([np.full(60, 100.0), random.uniform(195, 205, 440)]).astype(np.float32)
    side = np.concatenate([np.full(60, 50.0), 100 * 16 ** random.random(440)]).astype(np.float32)
    values = {"FSC-A": forward, "SSC-A": side, "CD3": random.normal(2500, 200, 500).astype(np.float32)}
    cut = Cut("CD3", "lymphocytes", 1000.0, 800.0, 1200.0, None, "cohort")
    borrowed = {("CD3", "lymphocytes"): cut}
    made = Tree("a", {name: name for name in values}, values, {"CD3": 150.0}, {}, borrowed)
    made.add("cells", None, np.ones(500, dtype=bool))
    region = add_lymphocytes(made, "cells", LENT)
    assert (region.source, region.centre) == ("cohort", {"FSC-A": 100.0, "SSC-A": 50.0})
    assert made.populations["lymphocytes"].events == 60 and made.mask("lymphocytes")[:60].all()


def test_without_t_cells_and_other_tubes_it_is_told_how_many_there_are():
    with pytest.raises(
        AnalysisError, match="too few CD3\\+ events to find the lymphocytes by; found 9; expected at least 10"
    ):
        add_lymphocytes(tree({"CD3": 1000.0}, t_cells=9), "cells", None)
    empty = tree()
    empty.add("none", "cells", np.zeros(501, dtype=bool))
    with pytest.raises(AnalysisError, match="no event is left in none"):
        add_lymphocytes(empty, "none", None)


@pytest.mark.parametrize(("forward", "near"), [(129.0, True), (130.0, False)])
def test_a_centre_is_near_within_seven_tenths_of_the_usual_radius(forward, near):
    # exp(0.7 × 3.72 × 0.1) = 1.2974
    own = Region({"FSC-A": forward, "SSC-A": 50.0}, {"FSC-A": 1.0, "SSC-A": 1.0}, 3.72, 3.1, 4.3)
    assert is_near(own, LENT) is near
