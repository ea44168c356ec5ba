from pathlib import Path
from types import SimpleNamespace

import flowutils
import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.compensation import (
    are_compensated,
    compensate,
    is_compensated,
    is_transformed,
    look_transformed,
    too_much,
)

IDENTITY = [[1.0, 0.0], [0.0, 1.0]]


def test_two_dyes_by_hand() -> None:
    # 100 of dye A and 50 of dye B, with 10 % of A in B's detector and 20 % of B in A's.
    measured = np.array([[5.0, 100 + 10, 50 + 10]], dtype=np.float32)
    out = compensate(measured, ["FSC-A", "A", "B"], ["A", "B"], [[1, 0.1], [0.2, 1]])
    np.testing.assert_allclose(out, [[5, 100, 50]], rtol=1e-6)
    assert out.dtype == np.float32
    assert measured[0, 1] == 110  # the events given stay as they were


@pytest.mark.parametrize("matrix", [[[100, 10], [20, 100]], [[100.0, 0.0], [0.0, 100.0]]])
def test_a_matrix_in_percent_is_refused(matrix: list[list[float]]) -> None:
    """Taken as it is it would give 1 and 0.5 in place of 100 of dye A and 50 of dye B."""
    measured = np.array([[110.0, 60.0]], dtype=np.float32)
    with pytest.raises(AnalysisError, match=r"in percent.*found '100 all along.*divide the matrix by 100"):
        compensate(measured, ["A", "B"], ["A", "B"], matrix)


def test_the_matrix_is_bound_by_name_not_by_place() -> None:
    measured = np.array([[60.0, 110.0]], dtype=np.float32)
    out = compensate(measured, ["B", "A"], ["A", "B"], [[1, 0.1], [0.2, 1]])
    np.testing.assert_allclose(out, [[50, 100]], rtol=1e-6)


@pytest.mark.parametrize("file", ["flowsom_68983/68983.fcs", "tcell_memory_16c_10k.fcs"])
def test_agrees_with_flowutils(shared_data: Path, file: str) -> None:
    from tilseq.io.fcs import read_fcs

    tube = read_fcs(shared_data / "flow" / file)
    assert tube.spill is not None
    places = [tube.channels.index(name) for name in tube.spill.channels]
    expected = flowutils.compensate.compensate(tube.events.astype(np.float64), tube.spill.matrix, places)
    found = compensate(tube.events, tube.channels, tube.spill.channels, tube.spill.matrix)
    size = np.abs(tube.events[:, places]).max(axis=1, keepdims=True)
    assert np.max(np.abs(found - expected)[:, places] / size) < 1e-5
    rest = [place for place in range(len(tube.channels)) if place not in places]
    np.testing.assert_array_equal(found[:, rest], tube.events[:, rest])


def test_more_events_than_are_taken_at_once() -> None:
    events = np.random.default_rng(1).normal(0, 100, (150_001, 3)).astype(np.float32)
    matrix = np.array([[1, 0.3, 0], [0.1, 1, 0.2], [0, 0.05, 1]])
    np.testing.assert_allclose(compensate(events, list("abc"), list("abc"), matrix) @ matrix, events, atol=1e-2)


@pytest.mark.parametrize("spill_channels", ["bcd", "dcb", "ea", "aeb", "c"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_channels_side_by_side_or_apart_in_any_order(spill_channels: str, order: str) -> None:
    random = np.random.default_rng(7)
    events = np.asarray(random.normal(0, 1000, (9001, 5)).astype(np.float32), order=order)  # type: ignore[call-overload]
    matrix = np.eye(len(spill_channels)) + random.uniform(0, 0.2, (len(spill_channels),) * 2)
    found = compensate(events, list("abcde"), list(spill_channels), matrix)
    places = ["abcde".index(name) for name in spill_channels]
    expected = events.astype(np.float64)
    expected[:, places] = np.linalg.solve(matrix.T, expected[:, places].T).T
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-3)
    assert found[:, 0].flags.c_contiguous


def dyes_apart(seed: int = 1) -> np.ndarray:
    """3,000 events of which a third bear dye A, a third dye B and a third none; the last column is scatter."""
    random = np.random.default_rng(seed)
    events = random.normal(0, 50, (3000, 3))
    events[:1000, 0] += 10_000 * random.lognormal(0, 0.3, 1000)
    events[1000:2000, 1] += 5_000 * random.lognormal(0, 0.3, 1000)
    return events.astype(np.float32)


@pytest.mark.parametrize(
    ("stated", "dye", "percent"),
    [
        # of 100 of dye A its detector shows 100 and B's 10; what is taken out of B's is 100 times what is stated
        ([[1, 0.1], [0, 1]], None, None),
        ([[1, 0.06], [0, 1]], None, None),
        ([[1, 0.14], [0, 1]], None, None),
        ([[1, 0.2], [0, 1]], "A", -10),
        ([[1, 0.6], [0, 1]], "A", -50),
        ([[1, 0], [0.1, 1]], "B", -10),
    ],
)
def test_more_taken_out_than_spilled_shows_below_zero(stated: list, dye: str | None, percent: float | None) -> None:
    measured = dyes_apart() @ np.array([[1, 0.1, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    found = too_much(compensate(measured, ["A", "B", "FSC"], ["A", "B"], stated), ["A", "B", "FSC"], ["A", "B"])
    if dye is None:
        assert found is None
    else:
        assert found is not None and (found.dye, found.detector) == (dye, "BA"["AB".index(dye)])
        assert found.percent == pytest.approx(percent, abs=1)


def test_cells_that_bear_both_dyes_or_are_few_or_not_finite_do_not_tell() -> None:
    events = dyes_apart()
    events[:1000, 1] += 9_000
    assert too_much(events - [0, 0.2, 0] * events[:, :1], ["A", "B", "FSC"], ["A", "B"]) is None
    events = dyes_apart() @ np.array([[1, -0.5, 0], [0, 1, 0], [0, 0, 1]], dtype=np.float32)
    assert too_much(events, ["A", "B", "FSC"], ["A", "B"]) is not None
    assert too_much(events[:50], ["A", "B", "FSC"], ["A", "B"]) is None
    events[:, 1] = np.inf
    assert too_much(events, ["A", "B", "FSC"], ["A", "B"]) is None


def test_a_tenth_tells_where_most_of_the_brightest_bear_both_dyes() -> None:
    names = ["A", "B", "FSC"], ["A", "B"]
    events = dyes_apart()
    events[:1000, 1] += np.where(np.arange(1000) % 5 > 0, 9_000, 0).astype(np.float32)  # a fifth lack dye B
    assert too_much(events, *names) is None
    for taken, percent in ((0.1, None), (0.4, -40)):
        found = too_much(events - np.float32([0, taken, 0]) * events[:, :1], *names)
        assert (found is None) == (percent is None)
        if found is not None:
            assert (found.dye, found.detector, found.part) == ("A", "B", 0.1)
            assert found.percent == pytest.approx(percent, abs=6)
            assert str(found).startswith(
                "it takes too much of A out of B, where a tenth of the events that are brightest"
            )
    # Where what is dim in A lies as far below zero by itself nothing can be told.
    events[:, 1] += np.random.default_rng(2).normal(0, 2_000, 3000).astype(np.float32)
    assert too_much(events - np.float32([0, 0.4, 0]) * events[:, :1], *names) is None


def test_no_sound_real_tube_shows_too_much_taken_out(shared_data: Path) -> None:
    from tilseq.io.fcs import read_fcs

    for file in ("flowsom_68983/68983.fcs", "odd/G11.fcs", "odd/fake_large_fcs.fcs"):
        tube = read_fcs(shared_data / "flow" / file)
        assert tube.spill is not None
        values = compensate(tube.events, tube.channels, tube.spill.channels, tube.spill.matrix)
        assert too_much(values, tube.channels, tube.spill.channels) is None, file


def test_what_is_missing_in_scatter_does_not_reach_the_dyes() -> None:
    events = np.array([[np.nan, 110, np.inf, 60]], dtype=np.float32)
    out = compensate(events, ["FSC-A", "A", "Time", "B"], ["A", "B"], [[1, 0.1], [0.2, 1]])
    np.testing.assert_allclose(out, [[np.nan, 100, np.inf, 50]], rtol=1e-6)


def test_no_event() -> None:
    assert compensate(np.empty((0, 2), dtype=np.float32), ["A", "B"], ["A", "B"], IDENTITY).shape == (0, 2)


@pytest.mark.parametrize(
    ("channels", "matrix", "message"),
    [
        (
            ["A", "B"],
            [[1, 1], [1, 1]],
            "cannot be taken out; found 'a matrix that is singular or nearly so, condition number",
        ),
        (["A", "B"], [[1, 0.99999], [0.99999, 1]], "condition number 2e[+]05"),
        (["A", "B"], [[1, float("nan")], [0, 1]], "a value that is no finite number"),
        (["A", "B"], [[1, 0, 0], [0, 1, 0]], "2 × 3"),
        (["A", "B"], [1, 1], "values of 1 dimensions"),
        (["A", "B", "C"], IDENTITY, "expected 3 × 3"),
        (["A", "Q"], IDENTITY, "found 'Q'; expected one of FSC-A, A, B"),
        (["A", "A"], IDENTITY, "a channel that stands twice"),
    ],
)
def test_a_matrix_that_cannot_be_used_is_refused(channels: list[str], matrix: object, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        compensate(np.ones((2, 3), dtype=np.float32), ["FSC-A", "A", "B"], channels, matrix)  # type: ignore[arg-type]


def test_a_channel_that_the_tube_has_twice_is_refused() -> None:
    with pytest.raises(AnalysisError, match="exactly once"):
        compensate(np.ones((2, 3), dtype=np.float32), ["A", "A", "B"], ["A", "B"], IDENTITY)


def tube(channels: list[str], keywords: dict[str, str]) -> SimpleNamespace:
    return SimpleNamespace(channels=channels, keywords=keywords)


def test_flowjos_names_tell_that_values_are_compensated() -> None:
    assert is_compensated(tube(["FSC-A", "Comp-FITC-A"], {}))
    assert is_compensated(tube(["FSC-A", "<FITC-A>"], {}))
    assert not is_compensated(tube(["FSC-A", "FITC-A"], {}))
    assert not is_compensated(tube(["Comp-FSC-A", "FITC-A", "Time"], {}))
    assert not is_compensated(tube(["FITC-A", "Comp-FITC-A"], {}))
    assert not is_compensated(tube(["<FSC-A>"], {}))


def test_the_channels_that_are_used_decide() -> None:
    assert are_compensated(["Comp-FITC-A", "FJComp-PE-A", "<APC-A>"])
    assert not are_compensated(["FITC-A", "PE-A"])
    assert not are_compensated([])
    with pytest.raises(AnalysisError) as error:
        are_compensated(["Comp-FITC-A", "PE-A", "PE-A"])
    assert "of the channels to gate Comp-FITC-A are compensated and PE-A are not" in str(error.value)


@pytest.mark.parametrize(
    ("span", "top", "looks"),
    [
        ("262144", [4.5, 11.0], True),
        ("262144", [4.5, 30.0], False),
        ("262144", [420.0, 275.0], False),
        ("1024", [4.5, 10.0], True),
        ("1024", [4.5, 11.0], False),
        ("1000", [4.5, 4.5], False),
        ("", [4.5, 4.5], False),
    ],
)
def test_values_like_logarithms_are_known_by_their_size(span: str, top: list[float], looks: bool) -> None:
    events = np.linspace([0, 0, 0], [5e4, *top], 2001, dtype=np.float32)
    events[0] = np.nan
    keywords = {f"$P{number}R": span for number in (1, 2, 3)}
    made = SimpleNamespace(events=events, channels=["FSC-A", "A", "B"], keywords=keywords)
    assert look_transformed(made, ["A", "B"]) is looks


def test_no_real_tube_looks_transformed(shared_data: Path) -> None:
    from tilseq.flow.panel import find_markers
    from tilseq.io.fcs import read_fcs

    names = ["flowsom_68983/68983", "pbmc_spectral_unmixed", "tcell_memory_16c_10k"]
    for name in [*names, *(f"itn/itn_{number:02}" for number in range(1, 9))]:
        made = read_fcs(shared_data / "flow" / f"{name}.fcs")
        markers = find_markers(made.channels, made.markers)
        assert not look_transformed(made, [markers[marker] for marker in ("CD3", "CD4", "CD8")]), name


def test_facsdivas_keyword_is_no_sign_of_compensated_values() -> None:
    assert not is_compensated(tube(["FITC-A"], {"APPLY COMPENSATION": "TRUE", "TRANSFORMATION": "applied"}))


def test_flowcores_keyword_tells_that_values_are_transformed() -> None:
    assert is_transformed(tube([], {"transformation": "custom"}))
    assert not is_transformed(tube([], {"TRANSFORMATION": "applied"}))


def test_a_detector_that_saw_nothing_has_no_dye_of_which_too_much_was_taken() -> None:
    random = np.random.default_rng(6)
    events = np.zeros((5_000, 3), dtype=np.float32)
    events[:, 0], events[:, 1] = random.normal(0, 20, 5_000), random.normal(-60, 20, 5_000)
    events[:, 0] -= 60
    with np.errstate(all="raise"):
        assert too_much(events, ["A", "B", "unused"], ["A", "B", "unused"]) is None


@pytest.mark.parametrize("events", [np.ones((5, 3)), np.ones((2, 5)), np.ones(2)])
def test_events_without_a_column_for_each_channel_are_refused(events):
    with pytest.raises(AnalysisError, match=r"each channel needs its column of events; .*; expected events × 2"):
        compensate(events, ["FL1-A", "FL2-A"], ["FL1-A", "FL2-A"], np.eye(2))


def test_events_of_a_list_are_taken():
    made = compensate([[11.0, 20.0]], ["FL1-A", "FL2-A"], ["FL1-A", "FL2-A"], [[1, 0], [0.05, 1]])
    assert made.tolist() == [[10.0, 20.0]]
