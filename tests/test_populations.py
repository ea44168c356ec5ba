import pytest

from tilseq.errors import AnalysisError
from tilseq.populations import T_CELLS, Rule, Sign, by_parent, markers_of, rule, with_further


def test_signs_are_read_from_text() -> None:
    assert rule("CD3-", "CD16+|CD56+", "CD19-") == Rule(
        "CD3-", ((Sign("CD16", True), Sign("CD56", True)), (Sign("CD19", False),))
    )
    assert rule("CD8+ T", " TCR Vb2 + ").markers == ["TCR Vb2"]


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ((), "has no markers"),
        (("CD4",), "needs its sign, . or -; found 'CD4'"),
        (("+",), "needs its sign"),
        (("",), "sign"),
    ],
)
def test_a_rule_without_signs_is_refused(conditions: tuple[str, ...], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        rule("CD3+", *conditions)


def test_further_populations_stand_behind_their_parents() -> None:
    tree = with_further({"early": rule("late", "CD27+"), "late": rule("CD8+ T", "CD28-")})
    names = list(tree)
    assert names.index("CD8+ T") < names.index("late") < names.index("early")
    assert set(tree) == {*T_CELLS, "early", "late"}
    assert by_parent(tree)["CD8+ T"] == ["late"]
    assert list(markers_of(tree))[:3] == ["CD3", "CD4", "CD8"]


def test_a_population_can_take_the_place_of_a_built_in_one() -> None:
    tree = with_further({"ab T": rule("CD3+", "TCRgd-"), "CD4+ T": rule("ab T", "CD4+", "CD8-")})
    assert tree["CD4+ T"].parent == "ab T"
    assert list(tree).index("ab T") < list(tree).index("CD4+ T")


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ({"x": rule("CD3", "CD4+")}, r"the parent of x does not exist; found 'CD3'; did you mean 'CD3[+-]'"),
        ({"live": rule("CD3+", "CD4+")}, "the name of one that is found by itself; found 'live'"),
        ({"a": rule("b", "CD4+"), "b": rule("a", "CD4+")}, "each other's parents; found 'a, b'"),
        ({"CD3+": rule("CD4+ T", "CD3+")}, "each other's parents"),
    ],
)
def test_a_tree_at_fault_is_refused(further: dict[str, Rule], message: str) -> None:
    with pytest.raises(AnalysisError, match=message):
        with_further(further)


@pytest.mark.parametrize(
    ("name", "parent", "markers", "message"),
    [
        ("A", "CD3+", ["CD4+", "CD4-"], "no cell bears a marker and lacks it; found 'CD4\\+ and CD4-'; keep one"),
        ("", "CD3+", ["CD4+"], "needs a name of one line"),
        (" A", "CD3+", ["CD4+"], "needs a name of one line"),
        ("a\nb", "CD3+", ["CD4+"], "needs a name of one line"),
        ("CD3+", "lymphocytes", ["CD19+"], "CD3\\+ is counted as cells that bear CD3, and does not ask for it"),
        ("CD4+ T", "CD3+", ["CD8+", "CD4-"], "CD4\\+ T is counted as cells that bear CD4"),
        ("CD8+ T", "CD3-", ["CD8+"], "CD8\\+ T lies outside of CD3\\+"),
    ],
)
def test_populations_that_give_another_number_than_their_name_says_are_refused(name, parent, markers, message):
    with pytest.raises(AnalysisError, match=message):
        with_further({name: rule(parent, *markers)})


def test_what_bears_its_marker_somewhere_above_is_not_refused():
    further = {"αβ T": rule("CD3+", "TCRgd-"), "helpers": rule("αβ T", "CD4+"), "CD4+ T": rule("helpers", "CD8-")}
    assert list(with_further({**further, "either": rule("CD3+", "CD4+|CD4-")}))[-1] in ("CD4+ T", "either")
    assert with_further({"CD3+": rule("singlets", "CD3+", "CD19-")})["CD3+"].parent == "singlets"
    with pytest.raises(AnalysisError, match="too many populations; found 101; expected at most 100"):
        with_further({f"P{number}": rule("CD3+", "CD4+") for number in range(101)})


def test_what_a_rule_asks_to_be_there():
    assert rule("CD3-", "CD19-", "CD16+|CD56+").borne == ["CD16", "CD56"]
    assert rule("CD3+", "CD4-", "CD8-").borne == []
