"""What gates must be for any program to apply them."""

from pathlib import Path
from time import perf_counter

import pytest

from tilseq.errors import AnalysisError, ReadError
from tilseq.gates import (
    LOG10,
    BooleanGate,
    Channel,
    Divider,
    EllipsoidGate,
    Gate,
    Operand,
    PolygonGate,
    Quadrant,
    QuadrantGate,
    Range,
    RectangleGate,
    Scale,
)
from tilseq.io.gate_checks import check_gates, is_ellipsoid, refuse_circle

CD3 = Channel("FITC-A", "FCS")
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def over(name: str, parent: str | None = None) -> RectangleGate:
    return RectangleGate(name, parent, (Range(CD3, minimum=100.0),))


def quadrants(*locations: tuple[int, float], values: tuple[float, ...] = (2.0, 5.0), name: str = "low") -> QuadrantGate:
    return QuadrantGate("q", None, (Divider(CD3, values),), (Quadrant(name, locations),))


def test_sound_gates_in_any_order() -> None:
    both = BooleanGate("both", "a", "and", (Operand("b"), Operand("c", complement=True)))
    polygon = PolygonGate("c", "a", CD3, Channel("PE-A", scale=LOG10), CORNERS)
    open_above = RectangleGate("d", "low", (Range(CD3, 1.0, float("inf")),))
    check_gates([both, polygon, over("b", "a"), over("a"), open_above, quadrants((0, 1.0))])


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ([over("a"), over("a")], "each gate needs a name of its own; found 'a'"),
        ([over("")], "each gate needs a name of its own"),
        ([over("a", "lymphocytes")], "gate a refers to a gate that is not there; found 'lymphocytes'"),
        ([over("a"), BooleanGate("n", None, "not", (Operand("b"),))], "gate n refers to a gate that is not there"),
        ([over("a", "b"), over("b", "a")], "in a circle; found '(a → b → a|b → a → b)'"),
        ([over("a", "n"), BooleanGate("n", None, "not", (Operand("a"),))], "in a circle"),
        ([RectangleGate("a", None, (Range(Channel(""), 1.0),))], "gate a is on a channel without a name"),
        ([RectangleGate("a", None, ())], "gate a is not complete; expected at least one range"),
        ([RectangleGate("a", None, (Range(CD3),))], "gate a is not complete"),
        ([PolygonGate("a", None, CD3, CD3, CORNERS[:2])], "expected at least three vertices"),
        ([over("a"), BooleanGate("n", None, "and", (Operand("a"),))], "gate n is not complete; expected one operand"),
        ([EllipsoidGate("a", None, (CD3,), (0.0,), ((1.0,),), 1.0)], "gate a is not complete; expected two channels"),
        ([EllipsoidGate("a", None, (CD3, CD3), (0.0, 1.0), ((1.0, 1.0), (1.0, 1.0)), 1.0)], "an invertible covariance"),
        ([EllipsoidGate("a", None, (CD3, CD3), (0.0, 1.0), ((1.0, 0.0), (0.0, 1.0)), -1.0)], "a distance from 0 on"),
        ([EllipsoidGate("a", None, (CD3, CD3), (0.0,), ((1.0, 0.0), (0.0, 1.0)), 1.0)], "gate a is not complete"),
        (
            [EllipsoidGate("a", None, (CD3, CD3), (0.0, 1.0), ((1.0, 0.0), (0.0, 1.0)), float("nan"))],
            "no finite number",
        ),
        ([RectangleGate("a", None, (Range(CD3, maximum=float("nan")),))], "a bound that is no finite number"),
        ([PolygonGate("a", None, CD3, CD3, (*CORNERS, (0.0, float("inf"))))], "a bound that is no finite number"),
        (
            [RectangleGate("a", None, (Range(Channel("A", scale=Scale("flog", (float("inf"), 1.0))), 1.0),))],
            "no finite number",
        ),
        ([quadrants()], "gate q is not complete; expected quadrants located by dividers"),
        ([quadrants((1, 0.0))], "gate q is not complete"),
        ([quadrants((-1, 0.0))], "gate q is not complete"),
        ([quadrants((0, 0.0), (0, 3.0))], "gate q is not complete"),
        ([quadrants((0, 0.0), values=(5.0, 2.0))], "dividers with ascending values"),
        ([quadrants((0, 0.0), values=())], "gate q is not complete"),
        ([quadrants((0, float("nan")))], "no finite number"),
        ([quadrants((0, 0.0), name="q")], "each gate needs a name of its own; found 'q'"),
        ([quadrants((0, 0.0)), over("low")], "each gate needs a name of its own; found 'low'"),
        ([quadrants((0, 0.0)), over("a", "q")], "gate a refers to a gate that is not there; found 'q'"),
    ],
)
def test_gates_that_cannot_be_applied_are_refused(gates: list, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        check_gates(gates)


def test_ellipsoids_of_channels_in_unlike_units() -> None:
    channels, centre = (CD3, Channel("Time")), (0.0, 0.0)
    thin = EllipsoidGate("a", None, channels, centre, ((1e12, 0.0), (0.0, 1e-6)), 1.0)
    check_gates([thin])
    # The same ellipse in other units: correlation 1/2, and correlation 1, which has no inverse.
    check_gates([EllipsoidGate("a", None, channels, centre, ((1e12, 500.0), (500.0, 1e-6)), 1.0)])
    for covariance in (((1e12, 1000.0), (1000.0, 1e-6)), ((1e12, 0.0), (0.0, 0.0))):
        assert not is_ellipsoid(EllipsoidGate("a", None, channels, centre, covariance, 1.0))
    # One of ISAC's suite is neither symmetric nor positive definite.
    assert is_ellipsoid(EllipsoidGate("a", None, channels, centre, ((-4.0, 1.0), (2.0, 3.0)), 1.0))


def test_many_gates_are_checked_in_a_moment() -> None:
    gates: list[Gate] = [over("g0")]
    gates += [BooleanGate(f"g{i}", None, "not", (Operand(f"g{i - 1}"),)) for i in range(1, 20_000)]
    start = perf_counter()
    check_gates(gates)
    assert perf_counter() - start < 5


def test_a_circle_is_found_however_long_the_way_to_it() -> None:
    chain = {f"{i}": [f"{i + 1}"] for i in range(5000)}
    with pytest.raises(ReadError, match="^gates.xml: .* in a circle") as told:
        refuse_circle(chain | {"5000": ["4998"]}, Path("gates.xml"))
    assert {*"4998 4999 5000".split()} == {*(told.value.found or "").strip("'").split(" → ")}
    refuse_circle(chain)
