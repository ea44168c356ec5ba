"""Gates as data."""

import pytest

from tilseq.errors import AnalysisError
from tilseq.gates import (
    BooleanGate,
    Channel,
    EllipsoidGate,
    Operand,
    PolygonGate,
    Range,
    RectangleGate,
    check_gates,
    find_circle,
)

CD3 = Channel("FITC-A", True)
CORNERS = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0))


def over(name: str, parent: str | None = None) -> RectangleGate:
    return RectangleGate(name, parent, (Range(CD3, minimum=100.0),))


def test_sound_gates_in_any_order() -> None:
    both = BooleanGate("both", "a", "and", (Operand("b"), Operand("c", complement=True)))
    polygon = PolygonGate("c", "a", CD3, Channel("PE-A", False), CORNERS, "log10")
    check_gates([both, polygon, over("b", "a"), over("a")])


@pytest.mark.parametrize(
    ("gates", "message"),
    [
        ([over("a"), over("a")], "each gate needs a name of its own; found 'a'"),
        ([over("")], "each gate needs a name of its own"),
        ([over("a", "lymphocytes")], "gate a refers to a gate that is not there; found 'lymphocytes'"),
        ([over("a"), BooleanGate("n", None, "not", (Operand("b"),))], "gate n refers to a gate that is not there"),
        ([over("a", "b"), over("b", "a")], "in a circle; found '(a → b → a|b → a → b)'"),
        ([over("a", "n"), BooleanGate("n", None, "not", (Operand("a"),))], "in a circle"),
        ([RectangleGate("a", None, ())], "gate a is not complete; expected at least one range"),
        ([RectangleGate("a", None, (Range(CD3),))], "gate a is not complete"),
        ([PolygonGate("a", None, CD3, CD3, CORNERS[:2])], "expected at least three vertices"),
        ([over("a"), BooleanGate("n", None, "and", (Operand("a"),))], "gate n is not complete; expected one operand"),
        ([EllipsoidGate("a", None, (CD3,), (0.0,), ((1.0,),), 1.0)], "gate a is not complete; expected two channels"),
        ([EllipsoidGate("a", None, (CD3, CD3), (0.0, 1.0), ((1.0, 2.0), (2.0, 1.0)), 1.0)], "positive definite"),
        ([EllipsoidGate("a", None, (CD3, CD3), (0.0,), ((1.0, 0.0), (0.0, 1.0)), 1.0)], "gate a is not complete"),
        (
            [EllipsoidGate("a", None, (CD3, CD3), (0.0, 1.0), ((1.0, 0.0), (0.0, 1.0)), float("nan"))],
            "no finite number",
        ),
        ([RectangleGate("a", None, (Range(CD3, maximum=float("nan")),))], "a bound that is no finite number"),
        ([PolygonGate("a", None, CD3, CD3, (*CORNERS, (0.0, float("inf"))))], "a bound that is no finite number"),
    ],
)
def test_gates_that_cannot_be_applied_are_refused(gates: list, message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        check_gates(gates)


def test_a_circle_is_found_however_long_the_way_to_it() -> None:
    chain = {i: [i + 1] for i in range(5000)} | {5000: [4998]}
    assert sorted(find_circle(chain)[:-1]) == [4998, 4999, 5000]
    assert find_circle({i: [i + 1] for i in range(5000)}) is None
