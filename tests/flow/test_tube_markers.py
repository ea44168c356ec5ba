import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.tube_markers import TubeMarkers, markers_of_tube
from tilseq.populations import rule, with_further

CHANNELS = ["FSC-A", "SSC-A", "B1-A", "B2-A", "R1-A", "R2-A"]
TEXTS = ["", "", "CD3", "CD4", "CD8", "IFNg"]
BUILT_IN = with_further({})


def test_the_channels_that_a_tree_needs():
    found = markers_of_tube(CHANNELS, TEXTS, with_further({"x": rule("CD3+", "R2-A+")}))
    assert {name: found.channels[name] for name in ("CD3", "CD4", "CD8", "FSC-A", "SSC-A", "R2-A")} == {
        "CD3": "B1-A",
        "CD4": "B2-A",
        "CD8": "R1-A",
        "FSC-A": "FSC-A",
        "SSC-A": "SSC-A",
        "R2-A": "R2-A",
    }
    assert "R2-A" in found.stains
    assert found.lacking == []


def test_cytokines_are_stains_of_stimulated_tubes_alone():
    plain = markers_of_tube(CHANNELS, TEXTS, BUILT_IN)
    stimulated = markers_of_tube(CHANNELS, TEXTS, BUILT_IN, cytokines=True)
    assert stimulated == TubeMarkers(plain.channels | {"IFN-γ": "R2-A"}, [*plain.stains, "IFN-γ"], [])


def test_a_tree_does_without_cd4_and_cd8_but_not_without_cd3_nor_that_of_stimulated_tubes():
    bare = ["", "", "CD3", "", "", "IFNg"]
    assert markers_of_tube(CHANNELS, bare, BUILT_IN).lacking == ["CD4", "CD8"]
    with pytest.raises(
        AnalysisError, match="^no channel for CD4, CD8; name it among the panel's markers; the channels"
    ):
        markers_of_tube(CHANNELS, bare, BUILT_IN, cytokines=True)
    with pytest.raises(AnalysisError, match="^no channel for CD3; name it"):
        markers_of_tube(CHANNELS, ["", "", "", "CD4", "CD8", ""], BUILT_IN)
