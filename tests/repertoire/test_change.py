import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import AnalysisError, TableError
from tilseq.repertoire import change, effective_cells
from tilseq.repertoire.change import log2_ratios
from tilseq.tables.tracking import CHANGE

BEFORE = {"a": 12, "b": 4, "c": 0, "d": 60, "e": 3, "f": 40, "g": 1, "h": 250, "rest": 630}
AFTER = {"a": 12, "b": 40, "c": 9, "d": 20, "e": 0, "f": 101, "g": 2, "h": 640, "rest": 1676}
PAIR = ("before", "after")

# tests/oracles/change.R: log2 ratio, limits, p, q; the call follows from them
AS_R = {
    "a": (-1.3219280948874, -2.6050043264428, -0.0388518633320, 2.89278592351e-02, 6.74983382151e-02, "cannot_tell"),
    "b": (2, 0.5320516939017, 3.9441589947809, 2.04902751444e-03, 7.17159630053e-03, "expanded"),
    "c": (None, -0.3409330503844, None, 4.84002582471e-02, 8.47004519323e-02, "cannot_tell"),
    "d": (-2.9068905956085, -3.7155378477850, -2.1559903593124, 1.24521716298e-17, 8.71652014089e-17, "contracted"),
    "e": (None, None, -0.0469497266893, None, None, "cannot_tell"),
    "f": (0.0143552929771, -0.5272661250487, 0.5806017990640, 9.68225521370e-01, 9.68225521370e-01, "unchanged"),
    "g": (-0.3219280948874, -4.5856430945587, 5.5606461666906, None, None, "cannot_tell"),
    "h": (0.0342157153379, -0.1789157385742, 0.2509349609046, 7.54289069614e-01, 8.80003914549e-01, "unchanged"),
    "rest": (0.0896703204247, -0.0433435186325, 0.2241032833341, 1.82703264303e-01, 2.55784570024e-01, "unchanged"),
}
# The same with an over-dispersion of 0.01: p, limits
OVERDISPERSED = {
    "b": (0.00828956570459, 0.257801826552, 4.472551212055),
    "d": (3.19797450376e-10, -4.02985538720, -1.89476024687),
    "h": (0.945169580477, -0.649344926050, 0.758728792808),
}


def clones(counts, locus="TRB", times=1):
    seen = {junction: count * times for junction, count in counts.items() if count}
    return pl.DataFrame({"locus": locus, "junction": list(seen), "duplicate_count": list(seen.values())})


def test_as_r():
    found = change(clones(BEFORE), clones(AFTER), samples=PAIR, n_effective=(1000, 2500), subject="S1")
    assert found.columns == CHANGE.names
    assert found["family"].unique().to_list() == ["S1, before to after, TRB"]
    for row in found.iter_rows(named=True):
        told = (row["log2_ratio"], row["lower"], row["upper"], row["p"], row["q"])
        for number, as_r in zip(told, AS_R[row["junction"]][:5], strict=True):
            assert number == (None if as_r is None else pytest.approx(as_r, rel=1e-9))
        assert row["call"] == AS_R[row["junction"]][5]
    d = found.row(3, named=True)
    assert (d["share_before"], d["share_after"]) == pytest.approx((0.06, 0.008))
    assert (d["cells_before"], d["cells_after"]) == pytest.approx((60, 20))


def test_of_reads_effective_cells_that_are_not_whole_as_r():
    worth = tuple(effective_cells(n, 10 * n) for n in (1000, 2500))
    tables = clones(BEFORE, times=10), clones(AFTER, times=10)
    a = change(*tables, samples=PAIR, n_effective=worth).row(0, named=True)
    assert a["p"] == pytest.approx(0.0374631640793, rel=1e-9)
    assert (a["lower"], a["upper"]) == pytest.approx((-2.6749746168699, 0.0311184270952), rel=1e-9)


def test_overdispersed_as_r():
    found = change(clones(BEFORE), clones(AFTER), samples=PAIR, n_effective=(1000, 2500), overdispersion=0.01)
    rows = {row["junction"]: row for row in found.iter_rows(named=True)}
    for junction, numbers in OVERDISPERSED.items():
        row = rows[junction]
        assert (row["p"], row["lower"], row["upper"]) == pytest.approx(numbers, rel=1e-9)


def test_a_locus_that_one_sample_lacks_has_no_shares_there_and_its_clones_are_not_tested():
    before = pl.concat([clones(BEFORE), clones({"x": 70}, "TRA")])
    found = change(before, clones(AFTER), samples=PAIR, n_effective=({"TRA": 70, "TRB": 1000}, {"TRB": 2500}))
    x = found.row(0, named=True)
    assert (x["locus"], x["junction"], x["call"]) == ("TRA", "x", "cannot_tell")
    assert x["share_before"] is x["share_after"] is x["cells_before"] is x["p"] is None
    alone = change(clones(BEFORE), clones(AFTER), samples=PAIR, n_effective=(1000, 2500))
    assert found[1:].equals(alone)  # loci are families of their own


def test_the_fewest_cells_are_of_both_samples_together():
    found = change(clones(BEFORE), clones(AFTER), samples=PAIR, n_effective=(1000, 2500), fewest=3)
    assert dict(found.select("junction", "p").drop_nulls().rows()).keys() == BEFORE.keys()


@pytest.mark.parametrize(
    ("n_effective", "message"),
    [
        (
            (None, 2500),
            "without the effective number of cells of before, TRB; .* say how many T cells went",
        ),
        ((1000, {"TRA": 10}), "without the effective number of cells of after, TRB"),
        ((1000, 0), "of after, TRB, cannot exceed its counts; found 0; expected above 0, at most 2500"),
        ((1001, 2500), "of before, TRB, cannot exceed its counts; found 1001"),
    ],
)
def test_without_cells_there_is_no_test(n_effective, message):
    with pytest.raises(AnalysisError, match=message):
        change(clones(BEFORE), clones(AFTER), samples=PAIR, n_effective=n_effective)


def test_refused():
    tables = clones(BEFORE), clones(AFTER)
    with pytest.raises(AnalysisError, match="between two samples; found 'day7'; expected two"):
        change(*tables, samples=("day7", "day7"), n_effective=(1000, 2500))
    with pytest.raises(AnalysisError, match="no locus in common; found 'TRB against TRA'"):
        change(clones(BEFORE), clones(AFTER, "TRA"), samples=PAIR, n_effective=(1000, 2500))
    with pytest.raises(AnalysisError, match="over-dispersion must be from 0 to below 1; found 1"):
        change(*tables, samples=PAIR, n_effective=(1000, 2500), overdispersion=1)
    for alpha in (0, 5, float("nan")):
        with pytest.raises(AnalysisError, match="a false discovery rate must be above 0 and below 1"):
            change(*tables, samples=PAIR, n_effective=(1000, 2500), alpha=alpha)
    with pytest.raises(TableError, match="needs this column"):
        change(clones(BEFORE).drop("junction"), tables[1], samples=PAIR, n_effective=(1000, 2500))


COUNTS = st.lists(st.tuples(st.integers(0, 300), st.integers(0, 300)), min_size=2, max_size=30)


@given(COUNTS, st.sampled_from([0.0, 0.02]))
def test_for_all_counts(pairs, overdispersion):
    tables = [
        clones({"rest": 1, **{str(i): count for i, count in enumerate(column)}}) for column in zip(*pairs, strict=True)
    ]
    worth = [table["duplicate_count"].sum() for table in tables]
    there = change(*tables, samples=PAIR, n_effective=tuple(worth), overdispersion=overdispersion)
    back = change(*tables[::-1], samples=PAIR, n_effective=tuple(worth[::-1]), overdispersion=overdispersion)
    assert there["junction"].to_list() == back["junction"].to_list()
    # Time turned round turns the sign of what is found, and nothing else.
    numbers = there.select("p", "q", "log2_ratio", "lower", "upper").to_numpy()
    turned = back.select("p", "q", -pl.col("log2_ratio"), -pl.col("upper"), -pl.col("lower")).to_numpy()
    np.testing.assert_allclose(numbers, turned, rtol=1e-7, atol=1e-9)
    ratio, lower, upper = numbers[:, 2:].T
    with np.errstate(invalid="ignore"):
        assert not np.any(lower > ratio + 1e-9) and not np.any(upper < ratio - 1e-9)
    told = there.filter(pl.col("call").is_in(["expanded", "contracted"]))
    assert (told["q"] <= 0.05).all()
    assert there.filter(pl.col("cells_before") + pl.col("cells_after") < 5 - 1e-9)["p"].null_count() == (
        there.filter(pl.col("cells_before") + pl.col("cells_after") < 5 - 1e-9).height
    )


def test_shares_of_next_to_no_cells_have_limits_without_a_warning(recwarn):
    # 1e-150 of a cell: the limits of its share are beyond what a float tells, and stand as infinite
    log2, lower, upper = log2_ratios(np.array([1e-150]), np.array([3.0]), 5.0, 10.0)
    assert log2[0] == pytest.approx(np.log2(3 / 1e-150 * 5 / 10))
    assert lower[0] < log2[0] < upper[0] == np.inf
    assert not recwarn.list


def test_what_is_far_less_than_a_cell_has_no_limit_on_that_side():
    # 5e-4 cells: the lower limit of their share is about 0.025 ** 2000, which no number holds.
    falls, rises = (log2_ratios(*(np.array([one]) for one in pair), 1e5, 1e5) for pair in ((1e5, 5e-4), (5e-4, 1e5)))
    assert [falls[1][0], rises[2][0]] == [-np.inf, np.inf]
    assert falls[2][0] == pytest.approx(-rises[1][0], rel=1e-6)
    assert falls[2][0] < -13  # at most some 8 cells of 100,000
