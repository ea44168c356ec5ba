import numpy as np
import pytest

from tests.cytokines.plates import ANALYTES, kit, sheet, well
from tilseq.cytokines import find_beads
from tilseq.errors import AnalysisError
from tilseq.plots.cytokines import bead_map


def maps(wells):
    events = {("P", name): one for name, one in wells.items()}
    return find_beads(sheet(*wells), events, {"k": kit()}).maps


def test_populations_bear_their_names_and_medians():
    rng = np.random.default_rng(5)
    (one,) = maps({"A1": well(rng, dict.fromkeys(ANALYTES, 150), reporter=700.0)})
    figure = bead_map(one)
    left, right = figure.axes
    assert [text.get_text() for text in left.texts] == list(ANALYTES)
    # The two of the smaller size to the left, so that no name covers a population of the other.
    assert [text.get_horizontalalignment() for text in left.texts] == ["right", "right", "left", "left"]
    assert figure.get_suptitle() == "P · A1 · control"
    marks = [line for line in right.get_lines() if line.get_marker() == "+"]
    assert [float(mark.get_xdata()[0]) for mark in marks] == pytest.approx([700] * 4, rel=0.15)
    drawn = sum(len(line.get_xdata()) for line in left.get_lines())
    assert drawn == len(one.events)
    assert all(line.get_rasterized() for line in left.get_lines())
    figure.draw_without_rendering()
    shown = [label.get_text() for label in left.get_xticklabels(minor=True) + left.get_xticklabels()]
    assert any(text.endswith("k") for text in shown)
    assert not any("mathdefault" in text for text in shown)


def test_a_well_without_a_bead_is_drawn_and_one_without_an_event_refused():
    rng = np.random.default_rng(5)
    full = well(rng, dict.fromkeys(ANALYTES, 150))
    dirt, empty = maps({"A1": full, "A2": well(rng, {"A": 0}, dirt=400), "A3": np.zeros((0, 4))})[1:]
    assert len(bead_map(dirt).axes[0].get_lines()) == 5
    with pytest.raises(AnalysisError, match="the well holds no event; found 'plate P, well A3'"):
        bead_map(empty)
