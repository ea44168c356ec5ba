import numpy as np
import pytest

from tilseq.io.fcs_write import write_fcs
from tilseq.steps.draft_panels import draft_panels, stains_of


def write(path, **stains):
    """A tube of one event with these $PnN → $PnS."""
    channels = {"FSC-A": "", "SSC-A": "", **{name.replace("_", "-"): text for name, text in stains.items()}, "Time": ""}
    write_fcs(path, np.ones((1, len(channels))), list(channels), markers=list(channels.values()))


@pytest.mark.parametrize(
    ("channel", "text", "expected"),
    [
        ("FITC-A", "CD3", "CD3"),
        ("FITC-A", "CD3 FITC", "CD3"),
        ("BV510-A", "Zombie Aqua", "viability"),
        ("BV421-A", "CD45RA BV421", "CD45RA"),
        ("PE-A", "TCR Vb2", "TCR Vb2"),
        ("PE-Cy7-A", "LAG-3", "LAG-3"),
        ("PE-A", "PE-A", None),
        ("PE-A", "empty", None),
        ("PE-A", "", None),
        ("PE-A", "7", None),
        ("FSC-A", "FSC-A", None),
    ],
)
def test_a_stain_is_taken_where_it_is_clear(channel, text, expected):
    assert stains_of([channel], [text]) == ({} if expected is None else {expected: channel})


def test_stains_of_two_channels_or_markers_are_not_clear():
    assert stains_of(["PE-A", "APC-A"], ["CCR7", "CCR7"]) == {}
    assert stains_of(["PE-A", "APC-A", "FITC-A"], ["CD3", "CD3", "CD8"]) == {}


def test_tubes_of_the_same_stains_share_a_panel(tmp_path):
    write(tmp_path / "a.fcs", FITC_A="CD3", PE_A="CD4")
    write(tmp_path / "b.fcs", PE_A="CD4", FITC_A="CD3")
    write(tmp_path / "c.fcs", FITC_A="CD3", PE_A="TCR Vb2")
    write(tmp_path / "d.fcs", FITC_A="", PE_A="")
    (tmp_path / "e.fcs").write_text("FCS3.1 and no more")
    samples = [{"path": f"{name}.fcs", "assay": "flow"} for name in "abcde"] + [{"path": "a.fcs", "assay": "tcr"}]
    assert draft_panels(tmp_path, samples) == {
        "panel_1": {"CD3": "FITC-A", "CD4": "PE-A"},
        "panel_2": {"CD3": "FITC-A", "TCR Vb2": "PE-A"},
    }
    assert [row.get("panel") for row in samples] == ["panel_1", "panel_1", "panel_2", None, None, None]
