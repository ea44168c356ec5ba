from math import comb

import numpy as np
import pytest

from tilseq.errors import AnalysisError
from tilseq.flow.manual import (
    cells_of,
    check_added_up,
    check_beads_apart,
    check_names,
    check_t_cells_within,
    check_whole,
    count_manual,
    manual_ratio,
    name_populations,
)


def mask(*places):
    found = np.zeros(200, dtype=bool)
    for start, end in places:
        found[start:end] = True
    return found


GATED = {
    "Lymphs": (None, mask((0, 150))),
    "T": ("Lymphs", mask((0, 100))),
    "CD4+ T": ("T", mask((0, 60))),
    "CD8+ T": ("T", mask((60, 90))),
    "none": ("T", mask()),
    "below none": ("none", mask()),
}
NAMES = {"Lymphs": "lymphocytes", "T": "CD3+"}


def tails(events, total, lower, upper):
    """Chance of as many events or more at the lower limit, and of as few or fewer at the upper, by the binomial law."""

    def chance(share, numbers):
        return sum(comb(total, k) * share**k * (1 - share) ** (total - k) for k in numbers)

    return chance(lower, range(events, total + 1)), chance(upper, range(events + 1))


FINE = [{"check": "gates", "verdict": "pass", "reason": "a person's"}]


def test_gates_get_our_names_and_the_tube_is_their_root():
    found = name_populations(GATED, NAMES)
    assert {name: (one.parent, one.events) for name, one in found.items()} == {
        "all events": (None, 200),
        "lymphocytes": ("all events", 150),
        "CD3+": ("lymphocytes", 100),
        "CD4+ T": ("CD3+", 60),
        "CD8+ T": ("CD3+", 30),
        "none": ("CD3+", 0),
        "below none": ("none", 0),
    }


def test_a_root_that_the_file_has_is_kept():
    found = name_populations(
        {"steady": (None, mask((0, 180))), "T": ("steady", mask((0, 9)))}, {"steady": "all events"}
    )
    assert {name: (one.parent, one.events) for name, one in found.items()} == {
        "all events": (None, 180),
        "T": ("all events", 9),
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"lymphs": "lymphocytes"}, "a gate that the file does not have; found 'lymphs'; did you mean 'Lymphs'"),
        ({"xyz": "lymphocytes"}, "gates are Lymphs, T, CD4"),
        ({"T": "CD4+ T"}, "two gates would be one population; found 'CD4+ T'"),
        ({"T": "B", "CD4+ T": "B"}, "two gates would be one population; found 'B'"),
    ],
)
def test_names_at_fault_are_refused(names, message):
    with pytest.raises(AnalysisError, match=message.replace("+", r"\+")):
        name_populations(GATED, names)


def test_shares_have_exact_limits_of_counting():
    counts = count_manual("a", name_populations(GATED, NAMES), FINE)
    rows = {row["population"]: row for row in counts.iter_rows(named=True)}
    assert rows["CD4+ T"]["percent_of_parent"] == 60
    for name, events, total in (("CD4+ T", 60, 100), ("CD3+", 100, 150)):
        for kind in ("", "counting_"):
            limits = [rows[name][f"{kind}{end}"] / 100 for end in ("lower", "upper")]
            assert tails(events, total, *limits) == pytest.approx((0.025, 0.025))
    assert rows["CD3+"]["gate_lower"] is None
    # nothing seen of 100: 1 - 0.025 ** (1 / 100)
    assert (rows["none"]["lower"], rows["none"]["upper"]) == (0, pytest.approx(3.6217, abs=1e-4))
    assert (rows["below none"]["parent_events"], rows["below none"]["percent_of_parent"]) == (0, None)
    assert (rows["all events"]["parent"], rows["all events"]["events"]) == (None, 200)


def test_the_worst_verdict_is_told_with_its_reason():
    quality = [*FINE, {"check": "input 1", "verdict": "warn", "reason": "odd"}]
    counts = count_manual("a", name_populations(GATED), quality)
    assert set(counts["verdict"]) == {"warn"}
    assert set(counts["reason"]) == {"input 1: odd"}
    assert set(count_manual("a", name_populations(GATED), FINE)["reason"]) == {None}


@pytest.mark.parametrize(("events", "verdict"), [(50, "pass"), (49, "fail")])
def test_fifty_t_cells_are_quantified(events, verdict):
    (row,) = check_added_up("a", name_populations({"CD3+": (None, mask((0, events)))}))
    assert (row["verdict"], row["value"]) == (verdict, events)
    assert check_added_up("a", name_populations({"T": (None, mask((0, 9)))})) == []


def test_a_persons_t_cells_and_lymphocytes_are_added_up_where_they_nest():
    gated = {
        "lymphocytes": (None, mask((0, 160))),
        "CD3+": ("lymphocytes", mask((0, 100))),
        "DN T": ("CD3+", mask((0, 1))),
        "DP T": ("CD3+", mask((1, 30))),
        "B": ("lymphocytes", mask((100, 130))),
        "NK": ("lymphocytes", mask((130, 150))),
    }
    rows = {row["check"]: row for row in check_added_up("a", name_populations(gated))}
    assert {name: (row["value"], row["verdict"]) for name, row in rows.items()} == {
        "events in CD3+": (100, "pass"),
        "DN and DP of CD3+": (30, "warn"),
        "CD4 and CD8 against CD3": (17.5, "warn"),
        "lymphosum": (93.75, "pass"),
    }
    outside = gated | {"DP T": (None, mask((1, 120))), "NK": (None, mask((150, 170)))}
    told = [row["check"] for row in check_added_up("a", name_populations(outside))]
    assert told == ["events in CD3+"]


def test_the_ratio_has_exact_limits_or_is_absent():
    ratio = manual_ratio(name_populations(GATED))
    assert (ratio.value, ratio.n, ratio.status) == (2, 90, "detected_below_loq")
    # The share of CD4+ T among both is the odds of the ratio.
    shares = [limit / (1 + limit) for limit in (ratio.lower, ratio.upper)]
    assert tails(60, 90, *shares) == pytest.approx((0.025, 0.025))
    assert manual_ratio(name_populations({"CD4+ T": (None, mask((0, 9)))})) is None
    empty = manual_ratio(name_populations({**GATED, "CD8+ T": ("T", mask())}))
    assert (empty.value, empty.status) == (None, "not_evaluable")


def test_a_gate_beyond_all_events_is_refused():
    gated = {"steady": (None, mask((0, 180))), "T": (None, mask((170, 190)))}
    with pytest.raises(AnalysisError, match="a gate holds events that all events does not; found 'T'"):
        name_populations(gated, {"steady": "all events"})


def test_all_events_within_another_gate_are_refused():
    gated = {"T": (None, mask((0, 90))), "all events": ("T", mask((0, 50)))}
    with pytest.raises(AnalysisError, match="is to be all events lies within T; found 'all events'; give it another n"):
        name_populations(gated)


def test_a_gate_in_place_of_all_events_is_told():
    every = mask((0, 200))
    some = name_populations({"all events": (None, mask((0, 180))), "T": ("all events", mask())})
    (row,) = check_whole("a", some, every)
    assert check_whole("a", some, mask((0, 180))) == []
    assert (row["verdict"], row["value"]) == ("warn", 90)
    assert row["reason"].startswith("a gate of this name holds 180 of 200 events")
    assert check_whole("a", name_populations({"all events": (None, mask((0, 200)))}), every) == []
    assert check_whole("a", name_populations(GATED), every) == []


def test_gates_of_other_names_than_the_counts_need_are_told():
    gated = {name: (None, mask((0, 9))) for name in ("T", "T helper", "T killer")}
    (row,) = check_names("a", name_populations(gated))
    assert (row["verdict"], row["value"], row["limit"]) == ("warn", 0, "CD3+, CD4+ T, CD8+ T among them")
    assert row["reason"] == (
        "no gate is named CD3+, CD4+ T, CD8+ T, so there is no CD4/CD8 ratio and no check of T cells; gates of other "
        "names are T, T helper, T killer: say which is meant by --name 'GATE=CD3+', in study.yaml by names: {GATE: "
        "CD3+} beside the file"
    )
    (row,) = check_names("a", name_populations(gated, {"T": "CD3+", "T helper": "CD4+ T"}))
    assert "no gate is named CD8+ T, so there is no CD4/CD8 ratio; gates of other names are T killer: " in row["reason"]
    (row,) = check_names("a", name_populations(gated, {"T killer": "CD8+ T", "T helper": "CD4+ T"}))
    assert row["reason"].startswith(
        "no gate is named CD3+, so there is no check of T cells; gates of other names are T: "
    )
    # All that they need, and what was not gated at all.
    every = {"T": "CD3+", "T helper": "CD4+ T", "T killer": "CD8+ T"}
    assert check_names("a", name_populations({**gated, "Tregs": ("T", mask((0, 2)))}, every)) == []
    assert check_names("a", name_populations({"CD3+": (None, mask((0, 9)))})) == []
    many = {f"gate {number}": (None, mask((0, 9))) for number in range(25)}
    assert "gate 19, 5 more: say" in check_names("a", name_populations(many))[0]["reason"]


def test_no_cells_are_counted_within_the_beads_that_count_them():
    beads = {"beads": (None, mask((150, 200))), "single beads": ("beads", mask((150, 190)))}
    assert cells_of(name_populations({**GATED, **beads}, NAMES), by_beads=True) == [
        "lymphocytes", "CD3+", "CD4+ T", "CD8+ T", "none", "below none"
    ]  # fmt: skip
    within = name_populations({**beads, "in": ("single beads", mask((150, 160))), "CD3+": ("in", mask((150, 155)))})
    assert cells_of(within, by_beads=False) == ["in", "CD3+"]
    with pytest.raises(
        AnalysisError, match="a gate lies within single beads, which is taken for counting beads; found"
    ):
        cells_of(within, by_beads=True)


def test_a_count_tells_what_it_allows_to_say():
    counts = count_manual("a", name_populations(GATED, NAMES), FINE)
    rows = {row["population"]: row["status"] for row in counts.iter_rows(named=True)}
    assert rows["CD4+ T"] == "quantified"
    assert rows["CD8+ T"] == "detected_below_loq"
    assert rows["none"] == "not_detected"
    assert rows["below none"] == "not_evaluable"


def test_beads_in_a_gate_beside_theirs_warn():
    gated = {"beads": (None, mask((150, 200))), "single beads": ("beads", mask((150, 190)))}
    gated |= {"halves": ("beads", mask((150, 160))), "T": (None, mask((0, 101)))}
    (told,) = check_beads_apart("a", name_populations(gated))
    assert (told["verdict"], told["value"], told["reason"]) == ("pass", 0.0, "apart from cells")
    # 2 of 102 events of T and of 4 of its part
    gated |= {"T": (None, mask((50, 152))), "part": ("T", mask((148, 152)))}
    (told,) = check_beads_apart("a", name_populations(gated))
    assert (told["verdict"], told["value"]) == ("warn", 50.0)
    assert told["reason"] == "the gate of beads holds some of T 2 %, part 50 %: leave it out of them"
    assert check_beads_apart("a", name_populations(GATED)) == []


@pytest.mark.parametrize(
    ("gate", "name", "refused"),
    [
        ("CD8 T cells", "CD4+ T", True),
        ("CD3+/cd4+", "CD8+ T", True),
        ("CD8/T4", "CD4+ T", False),  # the parent's name
        ("CD4+ CD8-", "CD4+ T", False),
        ("CD8-", "CD4+ T", False),
        ("CD8neg", "CD4+ T", False),
        ("CD8_neg", "CD4+ T", False),
        ("non-CD8", "CD4+ T", False),
        ("CD4 (-)", "CD8+ T", False),
        ("CD8, CD127-", "CD4+ T", True),
        ("Q1: CD45RA+", "CD8+ T", False),
        ("CD4 T cells", "CD4+ T", False),
    ],
)
def test_a_gate_called_after_the_other_of_cd4_and_cd8_is_refused(gate, name, refused):
    gated = {gate: (None, mask((0, 100)))}
    if not refused:
        assert name in name_populations(gated, {gate: name})
        return
    with pytest.raises(AnalysisError, match=r"the gate that is to be CD[48]\+ T is called otherwise"):
        name_populations(gated, {gate: name})


def test_t_cells_beside_cd3_warn():
    gated = {
        "CD3+": (None, mask((0, 100))),
        "CD4+ T": (None, mask((0, 54), (150, 160))),
        "CD8+ T": (None, mask((60, 87), (160, 163))),
    }
    (row,) = check_t_cells_within("a", name_populations(gated))
    assert (row["check"], row["value"], row["verdict"]) == ("CD4+ T among CD3+", 15.625, "warn")
    assert row["reason"] == ("10 of 64 events of CD4+ T lie beside CD3+: is the name another gate's?")
    assert check_t_cells_within("a", name_populations({"CD4+ T": gated["CD4+ T"]})) == []
