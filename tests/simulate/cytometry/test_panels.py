from dataclasses import replace

import numpy as np
import pytest

from tilseq.flow import find_markers
from tilseq.simulate.cytometry.panels import ICS, MADE, PANELS, T_STATE, TBNK
from tilseq.simulate.states import STATES

SUBSETS = ("CD4+ T", "CD8+ T")


@pytest.mark.parametrize(
    ("panel", "expected"),
    [
        (
            TBNK,
            {
                **{"CD3": "FITC-A", "CD16": "PE-A", "CD56": "PE-A", "CD45": "PerCP-Cy5-5-A"},
                **{"CD4": "PE-Cy7-A", "CD19": "APC-A", "CD8": "APC-Cy7-A"},
            },
        ),
        (T_STATE, {"CD3": "AF700-A", "CD4": "PerCP-Cy5-5-A", "CD8": "BV786-A", "viability": "BV510-A"}),
        (ICS, {"CD3": "BV421-A", "CD4": "FITC-A", "CD8": "PerCP-Cy5-5-A", "viability": "BV510-A"}),
    ],
)
def test_markers_are_found_by_what_a_laboratory_writes(panel, expected):
    scatter = {name: name for name in ("FSC-A", "FSC-H", "SSC-A", "Time")}
    assert find_markers(panel.channels, [text or "" for text in panel.markers]) == expected | scatter


def test_panels_hold_the_kinds_that_other_layers_ask_for():
    subsets = {"DN T", "DP T", "B", "NK", "monocyte", "bead", "debris", "doublet", "dead"}
    assert set(TBNK.kinds) == {*SUBSETS, *subsets, "granulocyte"}
    assert set(T_STATE.kinds) == {f"{subset} {state}" for subset in SUBSETS for state in STATES} | subsets
    lymphocytes = {*SUBSETS, "DN T", "DP T", "NK"}
    assert set(ICS.kinds) == {*lymphocytes, *(f"{kind}{MADE}" for kind in lymphocytes), *subsets}
    assert {name: panel.name for name, panel in PANELS.items()} == {"tbnk": "tbnk", "t_state": "t_state", "ics": "ics"}


def test_only_kinds_that_made_interferon_are_stained_for_it():
    stained = {kind for kind, look in ICS.looks.items() if "IFN-gamma" in look.stains}
    assert stained == {kind for kind in ICS.kinds if kind.endswith(MADE)}
    for kind in SUBSETS:
        made, rest = ICS.looks[f"{kind}{MADE}"].stains, ICS.looks[kind].stains
        assert made["CD3"].median == pytest.approx(0.7 * rest["CD3"].median)
        assert {name: made[name] for name in ("CD4", "CD8") if name in made} == {
            name: rest[name] for name in ("CD4", "CD8") if name in rest
        }


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_every_stain_has_a_dye_and_every_dye_a_stain(panel):
    dyed = {dye.marker for dye in panel.dyes} - {"viability", panel.vbeta}
    stained = {marker for look in panel.looks.values() for marker in look.stains}
    assert stained == dyed
    assert all(0 <= stain.share <= 1 for look in panel.looks.values() for stain in look.stains.values())


@pytest.mark.parametrize(("panel", "dyes"), [(TBNK, 6), (T_STATE, 14), (ICS, 5)])
def test_the_spill_is_one_on_its_diagonal_and_can_be_taken_out(panel, dyes):
    assert panel.spill.shape == (dyes, dyes)
    np.testing.assert_array_equal(np.diag(panel.spill), 1)
    off_diagonal = panel.spill - np.eye(dyes)
    assert off_diagonal.min() >= 0
    assert 0.1 <= off_diagonal.max() < 0.3
    # No spill is lost because it names a detector that the panel lacks.
    assert np.count_nonzero(off_diagonal) == sum(len(dye.spill) for dye in panel.dyes)


def test_rows_of_the_spill_are_dyes():
    names = [dye.channel for dye in TBNK.dyes]
    assert TBNK.spill[names.index("FITC-A"), names.index("PE-A")] == 0.14
    assert TBNK.spill[names.index("PE-A"), names.index("FITC-A")] == 0.01


def test_a_panel_can_be_run_on_another_instrument():
    other = replace(TBNK, number="float32", largest=262_143)
    assert other.gain == 4
    assert other.kinds == TBNK.kinds


@pytest.mark.parametrize("subset", SUBSETS)
def test_exhaustion_rises_by_degrees(subset):
    states = ("stem_like_memory", "exhausted_progenitor", "exhausted_terminal")
    for marker in ("PD-1", "TIM-3", "LAG-3", "CD39"):
        stains = [T_STATE.looks[f"{subset} {state}"].stains[marker] for state in states]
        assert [stain.share for stain in stains] == sorted(stain.share for stain in stains)
        assert stains[0].median < stains[1].median < stains[2].median
