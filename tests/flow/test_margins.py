from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.flow.gating import gate
from tilseq.flow.margins import Ends, assess_margins, check_lymphocytes, margins
from tilseq.io.fcs import read_fcs


def tube(values: list[float], **keywords: str) -> Any:
    events = np.array(values, dtype=np.float32)[:, None]
    return SimpleNamespace(
        events=events, channels=["SSC-A"], keywords={f"${key}": text for key, text in keywords.items()}
    )


def ends(values: list[float], **keywords: str) -> tuple[list[int], list[int]]:
    """Return the places of events at the floor and at the top."""
    found = margins(tube(values, **keywords), np.ones(len(values), dtype=bool))["SSC-A"]
    return np.flatnonzero(found.lower).tolist(), np.flatnonzero(found.upper).tolist()


def test_values_that_pile_up_are_at_an_end() -> None:
    assert ends([9, 1, 9, 2, 3, 4, 5, 6, 9]) == ([], [0, 2, 8])
    assert ends([0, 0, 2, 3, 4, 0, 5, 6, 7]) == ([0, 1, 5], [])


def test_the_brightest_events_are_no_pile() -> None:
    assert ends([1, 2, 3, 4, 5, 6, 7, 9, 9]) == ([], [])  # two alike
    assert ends([1, 1, 1, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 9]) == ([], [])  # no more than twice as many as beside


@pytest.mark.parametrize(
    ("values", "keywords", "top"),
    [
        ([5, 100, 1022, 1023], {"P1R": "1024"}, [3]),
        ([5, 100, 1022, 1023], {"P1R": "4096"}, []),
        ([5, 100, 511, 511.5], {"P1R": "1024", "P1G": "2"}, [3]),
        # 10^(4 x 1023 / 1024)
        ([1, 100, 9829.9, 9910.458984], {"P1R": "1024", "P1E": "4,0", "DATATYPE": "I"}, [3]),
        # The file bears 1024 for what it holds on another scale.
        ([5, 1500, 60_000, 1e6], {"P1R": "1024"}, []),
        ([5, 100, 1022, 1023], {"P1R": "many"}, []),
        ([5, 100, 262_000, 262_143.015625], {"P1R": "262144", "P1E": "0,0", "DATATYPE": "F"}, [3]),
    ],
)
def test_the_top_by_the_range_of_the_detector(values: list[float], keywords: dict[str, str], top: list[int]) -> None:
    assert ends(values, **keywords) == ([], top)


def test_only_the_events_asked_for_are_looked_at() -> None:
    values = [1, 2, 3, 8, 8, 8, 99, 99, 99, float("nan")]
    among = np.array([True] * 6 + [False] * 4)
    found = margins(tube(values), among)["SSC-A"]
    assert np.flatnonzero(found.upper).tolist() == [3, 4, 5]


def test_time_and_channels_of_one_value_have_no_ends() -> None:
    events = np.array([[1, 7, 1], [2, 7, 2], [2, 7, 2], [2, 7, 3]], dtype=np.float32)
    given_tube = SimpleNamespace(events=events, channels=["Time", "FSC-A", "CD3"], keywords={})
    assert list(margins(given_tube, np.ones(4, dtype=bool))) == ["CD3"]
    assert margins(given_tube, np.zeros(4, dtype=bool)) == {}


@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_an_end_holds_extreme_values_only_and_all_of_them(values: list[int]) -> None:
    for found in margins(tube(list(map(float, values))), np.ones(len(values), dtype=bool)).values():
        numbers = np.array(values)
        for mask, extreme in ((found.lower, numbers.min()), (found.upper, numbers.max())):
            assert not mask.any() or (mask == (numbers == extreme)).all()


def test_shares_are_told_and_pass() -> None:
    among = np.arange(8) < 5
    none, one, two = (np.arange(8) < number for number in (0, 1, 2))
    found = {"SSC-A": Ends(none, one), "CD3": Ends(none, two), "CD4": Ends(none, none)}
    top, floor = assess_margins(found, among, sample="s1")
    assert (top["check"], top["value"], top["reason"]) == (
        "events at the top of a detector",
        40.0,
        "CD3 40 %, SSC-A 20 %",
    )
    assert (floor["value"], floor["reason"]) == (0.0, "none")
    assert {top["verdict"], floor["verdict"]} == {"pass"}


def test_without_a_channel_nothing_is_known() -> None:
    told = assess_margins({}, np.zeros(0, dtype=bool), sample="s1")
    assert [(row["value"], row["reason"][:13]) for row in told] == [(None, "not available")] * 2


def lymphocytes_at(tops: int, floors: int, of: int = 400) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the checks of so many lymphocytes, of which some lie at the ends of CD4; the last event is none."""
    inner = np.linspace(10, 900, of - tops - floors)
    cd4 = np.concatenate([np.full(tops, 1023), inner, np.zeros(floors), [1023]])
    events = np.column_stack([np.linspace(5, 800, of + 1), cd4]).astype(np.float32)
    made = SimpleNamespace(events=events, channels=["SSC", "CD4"], keywords={"$P2R": "1024"})
    top, floor = check_lymphocytes(made, np.arange(of + 1) < of, ["SSC", "CD4", "CD4"], sample="s1")
    return top, floor


@pytest.mark.parametrize(
    ("tops", "of", "share", "verdict"),
    [(4, 400, 1.0, "pass"), (5, 400, 1.25, "warn"), (2, 40, 5.0, "pass"), (3, 40, 7.5, "warn"), (0, 40, 0.0, "pass")],
)
def test_more_than_a_hundredth_and_three_lymphocytes_at_the_top_warn(
    tops: int, of: int, share: float, verdict: str
) -> None:
    top, _ = lymphocytes_at(tops, 0, of)
    assert (top["check"], top["value"], top["verdict"]) == ("lymphocytes at the top of a detector", share, verdict)
    assert top["limit"] == "at most 1 % of lymphocytes in any channel"
    if verdict == "warn":
        assert top["reason"].startswith(f"CD4 {share:.2g} %: their light is not known")


def test_lymphocytes_at_the_floor_are_told_and_pass() -> None:
    top, floor = lymphocytes_at(0, 100)
    assert (floor["value"], floor["verdict"], floor["reason"]) == (25.0, "pass", "CD4 25 %")
    assert (top["value"], top["reason"]) == (0.0, "none")


def test_no_lymphocyte_tells_nothing_of_detectors() -> None:
    made = SimpleNamespace(events=np.ones((3, 1), dtype=np.float32), channels=["CD4"], keywords={})
    told = check_lymphocytes(made, np.zeros(3, dtype=bool), ["CD4"], sample="s1")
    assert [(row["value"], row["verdict"], row["reason"][:13]) for row in told] == [(None, "pass", "not available")] * 2


def test_a_full_detector_is_told_though_compensation_draws_the_pile_apart(simulate: Callable[..., Any]) -> None:
    made = simulate()
    matrix = np.eye(6)
    matrix[0, 1] = 0.05
    made.spill = SimpleNamespace(channels=made.channels[3:9], matrix=matrix)
    clean = told(made)
    assert (clean["value"], clean["verdict"]) == (0.0, "pass")
    stained = made.events[:, made.channels.index("B2-A")]
    stained += 0.05 * made.events[:, made.channels.index("B1-A")]
    np.minimum(stained, 9000, out=stained)
    full = told(made)
    assert full["verdict"] == "warn"
    assert full["reason"].startswith("B2-A ")
    lymphocytes = np.isin(made.kinds, ["CD4+ T", "CD8+ T", "DN T", "DP T", "B", "NK"])
    assert full["value"] == pytest.approx(100 * np.mean(stained[lymphocytes] == 9000), abs=1)


def told(made: Any) -> dict[str, Any]:
    quality = gate(made, sample="s1").quality
    return quality.filter(check="lymphocytes at the top of a detector").row(0, named=True)


@pytest.mark.parametrize(
    ("path", "top"),
    [
        # How often the largest value stands in the file.
        ("itn/itn_01.fcs", {"FSC": 501, "SSC": 4481}),
        ("odd/coulter.lmd", {"FS Lin": 1882, "SS Lin": 3919}),
        ("pbmc_spectral_unmixed.fcs", {"FSC-A": 137, "SSC-A": 38}),
        ("odd/fake_large_fcs.fcs", {"FSC-W": 2199}),
        ("odd/cyflow_cube_8.fcs", {"SSC": 2}),
        ("flowsom_68983/68983.fcs", {"FSC-A": 0, "PE-A": 0}),
    ],
)
def test_real_detectors_that_are_full(shared_data: Path, path: str, top: dict[str, int]) -> None:
    read = read_fcs(shared_data / "flow" / path)
    found = margins(read, np.ones(len(read.events), dtype=bool))
    assert {name: int(found[name].upper.sum()) for name in top} == top
