from pathlib import Path

import pytest

from tilseq.flow.panels import Stained, compare_panels, lending_group, stains
from tilseq.io.fcs import read_fcs

TBNK = {"CD3": "B1-A", "CD4": "B2-A", "CD8": "R1-A"}


def differences(*tubes: dict[str, str], instruments: str = "") -> list[tuple[str, str, str | None, str | None, int]]:
    """Return sample, marker, channel, usual channel and bearers of each difference of tubes a, b, c and so on."""
    places = instruments or "1" * len(tubes)
    given = {chr(97 + i): Stained(one, place) for i, (one, place) in enumerate(zip(tubes, places, strict=True))}
    frame = compare_panels(given, "panel x").differences
    assert set(frame["compared"]) <= {"panel x"} and set(frame["tubes"]) <= {len(tubes)}
    return frame.select("sample", "marker", "channel", "usual_channel", "bearing").rows()


def test_tubes_stained_alike_do_not_differ() -> None:
    assert differences(TBNK, TBNK) == []
    assert differences(TBNK) == []
    assert differences({"CD127 PE": "Y1-A"}, {"cd127-pe": "Y1-A"}) == []


def test_one_that_does_otherwise_than_most_is_told() -> None:
    assert differences(TBNK, TBNK, {**TBNK, "CD4": "V1-A"}) == [("c", "CD4", "V1-A", "B2-A", 3)]
    assert differences(TBNK, {"CD3": "B1-A", "CD8": "R1-A"}, TBNK) == [("b", "CD4", None, "B2-A", 2)]
    assert differences(TBNK, TBNK, {**TBNK, "CD57": "V2-A"}) == [("c", "CD57", "V2-A", "V2-A", 1)]


def test_of_two_visits_both_are_told() -> None:
    assert differences(TBNK, {"CD3": "B1-A", "CD8": "R1-A"}) == [
        ("a", "CD4", "B2-A", "B2-A", 1),
        ("b", "CD4", None, "B2-A", 1),
    ]
    assert differences({"CD4": "B2-A"}, {"CD4": "R1-A"}) == [
        ("a", "CD4", "B2-A", None, 2),
        ("b", "CD4", "R1-A", None, 2),
    ]


def test_channels_are_compared_within_an_instrument_and_stains_beyond() -> None:
    other = {"CD3": "FL1", "CD4": "FL2", "CD8": "FL3"}
    assert differences(TBNK, TBNK, other, instruments="112") == []
    assert differences(TBNK, TBNK, {"CD3": "FL1", "CD8": "FL3"}, instruments="112") == [("c", "CD4", None, None, 2)]


def test_tubes_lend_cuts_to_those_with_their_markers_in_the_same_channels() -> None:
    folder = Path(__file__).parents[2] / "data/sample/raw/flow"
    first, later, state, stimulated = (
        lending_group(read_fcs(folder / f"SIM-01_{name}.fcs"))
        for name in ("baseline_flow", "D28_flow", "D28_tstate", "D28_icsnone")
    )
    assert first == later
    assert len({first, state, stimulated}) == 3
    assert ("CD3", "FITC-A") in first and ("CD3", "AF700-A") in state and ("CD3", "BV421-A") in stimulated
    renamed = lending_group(read_fcs(folder / "SIM-01_D28_tstate.fcs"), {"CD39": ["PE-CF594-A"]})
    assert set(renamed) - set(state) == {("CD39", "PE-CF594-A")}


def test_each_tube_has_a_check_that_says_where_it_differs() -> None:
    odd = {"CD3": "B1-A", "CD8": "B2-A", "CD57": "V2-A"}
    quality = compare_panels(
        {name: Stained(one) for name, one in zip("abc", (TBNK, odd, TBNK), strict=True)}, "panel x"
    )
    a, b, c = quality.quality
    assert (a["verdict"], a["value"], a["limit"]) == ("pass", 0.0, "stained as most of the 3 tubes of panel x")
    assert (b["sample"], b["check"], b["verdict"], b["value"]) == ("b", "panel against other tubes", "warn", 3.0)
    assert b["reason"] == (
        "CD4 is missing, which 2 of 3 tubes bear; CD57 is in V2-A, which 1 of 3 tubes bear; "
        "CD8 is in B2-A, mostly in R1-A"
    )
    assert c["verdict"] == "pass"
    assert compare_panels({"a": Stained(TBNK)}, "panel x").quality == []


def test_many_differences_are_counted() -> None:
    many = {f"stain {number}": f"V{number}-A" for number in range(8)}
    quality = compare_panels({"a": Stained({}), "b": Stained({}), "c": Stained(many)}, "x").quality
    assert quality[2]["value"] == 8
    assert quality[2]["reason"].endswith("; 3 more")


@pytest.mark.parametrize(
    ("channels", "markers", "found"),
    [
        # scatter and time are none; of a detector's measures the area stands for all
        (
            ["FSC-A", "FSC-W", "SSC-H", "Time", "FITC-H", "FITC-A", "PE-A"],
            ["", "", "", "", "CD3", "CD3", ""],
            {"CD3": "FITC-A", "PE": "PE-A"},
        ),
        (["FS Lin", "FL1 Log"], ["", "CD127 PE"], {"CD127 PE": "FL1 Log"}),
        (["A-A", "B-A"], ["empty", "empty"], {"empty": "A-A, B-A"}),
        (["A-A"], ["CD16+56"], {"CD16": "A-A", "CD56": "A-A"}),
    ],
)
def test_what_a_tube_is_stained_with(channels: list[str], markers: list[str], found: dict[str, str]) -> None:
    assert stains(channels, markers) == found


def test_a_panel_names_stains() -> None:
    assert stains(["FL1-A", "FL2-A"], ["", "Vb 2"], {"CD3": ["FL1-A"], "TCR Vb2": ["FL2-A"]}) == {
        "CD3": "FL1-A",
        "TCR Vb2": "FL2-A",
    }


def test_real_tubes_of_one_panel_are_stained_alike(shared_data: Path) -> None:
    from tilseq.io.fcs import staining_of

    found = {}
    for number in range(1, 9):
        path = shared_data / f"flow/itn/itn_{number:02}.fcs"
        tube = staining_of(path)
        found[path.stem] = Stained(stains(tube.channels, tube.markers))
    assert sorted(found["itn_01"].stains) == ["CD3", "CD4", "CD69", "CD8", "HLADr"]
    assert compare_panels(found, "panel itn").differences.is_empty()
