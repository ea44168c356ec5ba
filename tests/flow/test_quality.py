from typing import Any

import numpy as np
import pytest

from tilseq.flow.lymphocytes import Region, distance
from tilseq.flow.quality import assess
from tilseq.flow.tree import Tree


def tube(**numbers: int) -> dict[str, dict[str, Any]]:
    """Return the checks of a tube whose populations hold so many events; CD3+ and lymphocytes are their sums."""
    kinds = ["CD4+ T", "CD8+ T", "DN T", "DP T", "B", "NK", "other"]
    sizes = [numbers.get(kind.split("+")[0].split(" ")[0], 0) for kind in kinds]
    kind = np.repeat(kinds, sizes)
    marks = {"CD3": kinds[:4], "CD4": ["CD4+ T", "DP T"], "CD8": ["CD8+ T", "DP T"], "CD19": ["B"], "CD56": ["NK"]}
    noise = np.linspace(0, 1, len(kind), dtype=np.float32)
    values = {marker: np.isin(kind, own).astype(np.float32) * 100 + noise for marker, own in marks.items()}
    values |= {"FSC-A": noise, "SSC-A": noise}
    tree = Tree("s1", {marker: marker for marker in values}, values, {}, dict.fromkeys(marks, 50.0))
    everything = np.ones(len(kind), dtype=bool)
    tree.add("all events", None, everything)
    tree.add("lymphocytes", "all events", everything)
    for marker in marks:
        tree.find(marker, "lymphocytes")
    tree.add("CD3+", "lymphocytes", tree.over("CD3", "lymphocytes"))
    for name in kinds[:6]:
        tree.add(name, "lymphocytes" if name in ("B", "NK") else "CD3+", kind == name)
    return {row["check"]: row for row in assess(tree, None)}


def test_a_common_tube_passes() -> None:
    rows = tube(CD4=600, CD8=300, DN=50, DP=10, B=100, NK=100, other=40)
    assert {row["verdict"] for row in rows.values()} == {"pass"}
    assert rows["events in CD3+"]["value"] == 960
    assert rows["DN and DP of CD3+"]["value"] == pytest.approx(6.25)
    assert rows["CD4 and CD8 against CD3"]["value"] == pytest.approx(100 * (10 - 50) / 1200)
    assert rows["lymphosum"]["value"] == pytest.approx(100 * 1160 / 1200)
    assert rows["separation of CD3"]["reason"] == "the threshold was set by hand"


@pytest.mark.parametrize(
    ("numbers", "check", "verdict"),
    [
        ({"CD4": 30, "CD8": 19, "B": 50}, "events in CD3+", "fail"),
        ({"CD4": 30, "CD8": 20, "B": 50}, "events in CD3+", "pass"),
        ({"CD4": 600, "CD8": 200, "DN": 142, "B": 100}, "DN and DP of CD3+", "warn"),
        ({"CD4": 600, "CD8": 200, "DN": 120, "B": 100}, "DN and DP of CD3+", "pass"),
        ({"CD4": 60, "CD8": 25, "DN": 15, "B": 10}, "DN and DP of CD3+", "warn"),
        ({"CD4": 30, "CD8": 21, "DN": 29, "DP": 20, "B": 10}, "DN and DP of CD3+", "warn"),
        ({"CD4": 30, "CD8": 20, "DN": 30, "DP": 20, "B": 10}, "DN and DP of CD3+", "fail"),
        ({"CD4": 600, "CD8": 200, "DN": 120, "B": 100}, "CD4 and CD8 against CD3", "warn"),
        ({"CD4": 600, "CD8": 300, "B": 100, "NK": 100, "other": 130}, "lymphosum", "warn"),
        ({"CD4": 600, "CD8": 300, "B": 100, "NK": 100, "other": 100}, "lymphosum", "pass"),
        ({"CD4": 600, "CD8": 390, "B": 10}, "CD3+ of lymphocytes", "warn"),
    ],
)
def test_each_limit(numbers: dict[str, int], check: str, verdict: str) -> None:
    assert tube(**numbers)[check]["verdict"] == verdict


def test_a_share_of_nothing_is_null_and_not_passed() -> None:
    row = tube(B=100, NK=100)["DN and DP of CD3+"]
    assert (row["value"], row["verdict"]) == (None, "warn")
    assert "not available" in row["reason"]


def edge(inside: int, beyond: int, **region: Any) -> dict[str, Any]:
    """Return the check of the edge of a region that holds so many events in its middle and others just beyond it.

    The region ends at 3.72 spreads, and could as well end at 4.32: the others lie at 4, e to the power 0.16 × 4 times
    the centre.
    """
    size = np.repeat([50.0, 50 * np.exp(0.16 * 4)], [inside, beyond]).astype(np.float32)
    values = {"FSC-A": size, "SSC-A": np.full(len(size), 20, dtype=np.float32), "CD3": size}
    tree = Tree("s1", {marker: marker for marker in values}, values, {}, {"CD3": 10.0})
    tree.add("all events", None, np.ones(len(size), dtype=bool))
    tree.add("lymphocytes", "all events", size == 50)
    tree.find("CD3", "lymphocytes")
    tree.add("CD3+", "lymphocytes", tree.over("CD3", "lymphocytes"))
    found = Region({"FSC-A": 50.0, "SSC-A": 20.0}, {"FSC-A": 0.16, "SSC-A": 0.35}, 3.72, 3.12, 4.32, **region)
    tree.away = distance({name: values[name] for name in found.centre}, found)
    return {row["check"]: row for row in assess(tree, found)}["edge of lymphocytes"]


def test_lymphocytes_that_no_clear_valley_parts_from_many_others_warn() -> None:
    told = edge(100, 25)
    assert (told["verdict"], told["value"]) == ("pass", 25.0)
    assert told["reason"] == "no clear valley parts them from other cells, but few lie at their edge"
    for region in ({}, {"separation": 0.3, "source": "valley"}):
        told = edge(100, 26, **region)
        assert (told["verdict"], told["value"]) == ("warn", 26.0)
        assert told["reason"].startswith("no clear valley parts them from other cells, and many lie at their edge")
    assert edge(100, 26, separation=0.5, source="valley")["verdict"] == "pass"


def test_reasons_say_what_may_be_wrong() -> None:
    rows = tube(CD4=600, CD8=200, DN=142, B=100)
    assert rows["DN and DP of CD3+"]["reason"].startswith("more than usual: γδ T cells, a stain that failed")
    assert rows["CD4 and CD8 against CD3"]["reason"] == "CD4+ and CD8+ cells add up to less than CD3+: many DN T"
    rows = tube(CD4=300, CD8=200, DP=142, B=100)
    assert rows["CD4 and CD8 against CD3"]["reason"] == "CD4+ and CD8+ cells add up to more than CD3+: many DP T"
    rows = tube(CD4=300, CD8=200, B=100, NK=100, other=400)
    assert rows["lymphosum"]["reason"].startswith("T, B and NK cells do not add up to the lymphocytes: other cells")
