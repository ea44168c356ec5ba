import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tilseq.errors import AnalysisError
from tilseq.repertoire import trend
from tilseq.tables.tracking import TREND

DAYS = {"d7": 7, "d14": 14, "d28": 28, "d42": 42, "d56": 56, "d84": 84}
WORTH = {"d7": 40000, "d14": 25000, "d28": 60000, "d42": 50000, "d56": 30000, "d84": 45000}
CELLS = {
    "falls": (400, 130, 160, 60, 12, 3),
    "rises": (2, 3, 14, 20, 31, 120),
    "level": (40, 28, 55, 52, 24, 50),
    "rough": (90, 20, 150, 20, 44, 15),
    "few": (6, 1, 1, 0, 0, 0),
}
# tests/oracles/trend.R, by glm: slope, limits, signed root of the likelihood ratio
POISSON = {
    "falls": (-0.062253036029622, -0.06782173283815, -0.05689881987888, -29.173046703316),
    "rises": (0.044161177586502, 0.03794804229635, 0.05071907808098, 15.381150352416),
    "level": (0.000667108753006, -0.00421527107567, 0.00544760181104, 0.270450719904),
    "rough": (-0.019696802331520, -0.02480623270205, -0.01477756602106, -8.276906205154),
    "few": (-0.123397140464946, -0.25708289324687, -0.04891475078480, -4.134259064879),
}
NEGATIVE_BINOMIAL = {  # with a dispersion of 0.1
    "falls": (-6.30504294730e-02, -0.0776266778076, -0.04951606571415, -9.3695833066774),
    "rises": (4.71526869625e-02, 0.0339309998965, 0.06175424138122, 7.6328075823610),
    "level": (8.32751099507e-05, -0.0104049820826, 0.01092738070236, 0.0153612621061),
    "rough": (-1.89084971247e-02, -0.0306880042712, -0.00706729778821, -3.1066160536634),
    "few": (-1.22646277301e-01, -0.2615798233184, -0.04420021776902, -3.8473030044925),
}
PEARSON = 0.114550337154
LEARNT = {  # with the dispersion of Pearson's statistic: slope, limits by Student's t with 16 degrees, p, q
    "falls": (-6.31327314306e-02, -0.0796784851921, -0.04785097702601, 1.45123878173e-07, 5.80495512694e-07),
    "rises": (4.73124822917e-02, 0.0323996032308, 0.06398380752791, 1.83823296401e-06, 3.67646592801e-06),
    "level": (6.63042497177e-05, -0.0118831786933, 0.01250383128195, 9.90899310934e-01, 9.90899310934e-01),
    "rough": (-1.88983286720e-02, -0.0323520687386, -0.00531404630764, 9.80394463595e-03, 1.30719261813e-02),
}
MOST_LIKELY = (0.324684126458, -0.0188668916264)  # of `rough`, by MASS's glm.nb: dispersion and slope
SLOPE = ("slope_per_day", "lower", "upper")


def tables(cells, worth=WORTH, locus="TRB"):
    """One clonotype table a visit, of as many cells as it is worth, those of other clones in `rest`."""
    found = {}
    for place, (name, n) in enumerate(worth.items()):
        counts = {clone: column[place] for clone, column in cells.items() if column[place]}
        counts["rest"] = n - sum(counts.values())
        found[name] = pl.DataFrame({"locus": locus, "junction": list(counts), "duplicate_count": list(counts.values())})
    return found


def run(cells, **settings):
    chosen = pl.DataFrame({"locus": "TRB", "junction": list(cells)})
    return trend(tables(cells), days=DAYS, n_effective=WORTH, clones=chosen, **settings)


@pytest.mark.parametrize(("dispersion", "as_r"), [(0, POISSON), (0.1, NEGATIVE_BINOMIAL)])
def test_with_a_given_dispersion_as_r(dispersion, as_r):
    found = run(CELLS, dispersion=dispersion, subject="S1")
    assert found.columns == TREND.names
    assert found["family"].unique().to_list() == ["S1, TRB"]
    for row in found.iter_rows(named=True):
        *slope, root = as_r[row["junction"]]
        assert [row[name] for name in SLOPE] == pytest.approx(slope, rel=1e-6)
        # p of R's pnorm at the root
        assert row["p"] == pytest.approx(2 * normal_tail(abs(root)), rel=1e-6)
        assert (row["visits"], row["cells"]) == (6, pytest.approx(sum(CELLS[row["junction"]])))


def normal_tail(z):
    from math import erfc, sqrt

    return erfc(z / sqrt(2)) / 2


def test_dispersion_learnt_from_all_clones_as_r():
    # Of `few` less than one cell is expected in the last samples: it tells nothing of the dispersion.
    found = run({clone: CELLS[clone] for clone in LEARNT})
    assert found["dispersion"].to_list() == pytest.approx([PEARSON] * 4, rel=1e-6)
    for row in found.iter_rows(named=True):
        assert [row[name] for name in (*SLOPE, "p", "q")] == pytest.approx(LEARNT[row["junction"]], rel=1e-6)
    assert run(CELLS)["dispersion"].to_list() == pytest.approx([PEARSON] * 5, rel=1e-6)


def test_with_the_most_likely_dispersion_as_glm_nb():
    dispersion, slope = MOST_LIKELY
    assert run({"rough": CELLS["rough"]}, dispersion=dispersion)["slope_per_day"][0] == pytest.approx(slope, rel=1e-6)


def test_half_lives_and_doubling_times():
    rows = {row["junction"]: row for row in run(CELLS, dispersion=0).iter_rows(named=True)}
    falls, rises, level = rows["falls"], rows["rises"], rows["level"]
    # ln 2 over R's slopes
    half_life = (falls["half_life"], falls["half_life_lower"], falls["half_life_upper"])
    assert half_life == pytest.approx((11.1343577, 10.2201396, 12.1820983), rel=1e-6)
    doubling = (rises["doubling_time"], rises["doubling_time_lower"], rises["doubling_time_upper"])
    assert doubling == pytest.approx((15.6958574, 13.6663954, 18.2656797), rel=1e-6)
    assert falls["doubling_time"] is falls["doubling_time_lower"] is rises["half_life"] is None
    # It may as well fall: no upper limit.
    assert level["doubling_time_lower"] == pytest.approx(127.2389743, rel=1e-6)
    assert level["doubling_time_upper"] is None


def test_a_clone_lost_after_the_first_visit_has_an_upper_limit_of_its_half_life():
    cells = {"lost": (20, 0, 0, 0, 0, 0), "new": (0, 0, 0, 0, 0, 9), "rest of it": (5, 5, 5, 5, 5, 5)}
    rows = {row["junction"]: row for row in run(cells, dispersion=0).iter_rows(named=True)}
    lost, new = rows["lost"], rows["new"]
    assert lost["slope_per_day"] is lost["lower"] is lost["half_life"] is None
    # Poisson's likelihood given 20 cells is that of the share of the first sample, whose fall by z² / 2 is at
    # exp(-z² / 2 / 20); Σ n exp(b (day - 7)) over all samples is then 40,000 / that: solved by bisection.
    share = np.exp(-(1.959963984540054**2) / 2 / 20)
    days, worth = np.array(list(DAYS.values()), float), np.array(list(WORTH.values()), float)
    low, high = -2.0, 0.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if worth[0] / (worth @ np.exp(middle * (days - 7))) > share else (low, middle)
    assert lost["upper"] == pytest.approx(low, rel=1e-6)
    assert lost["half_life_upper"] == pytest.approx(-np.log(2) / low, rel=1e-6)
    assert lost["half_life_lower"] == new["doubling_time_lower"] == 0
    assert lost["p"] < 1e-6
    assert new["lower"] > 0


def test_a_visit_without_a_locus_is_not_a_visit_without_the_clone():
    cells = {clone: CELLS[clone] for clone in ("falls", "level")}
    samples = tables(cells)
    samples["d100"] = pl.DataFrame({"locus": ["TRA"], "junction": ["x"], "duplicate_count": [100]})
    found = trend(
        samples,
        days={**DAYS, "d100": 100},
        n_effective={**WORTH, "d100": {"TRA": 100.0}},
        clones=pl.DataFrame({"locus": ["TRB", "TRB", "TRA"], "junction": [*cells, "x"]}),
        dispersion=0,
    )
    x, *of_beta = found.iter_rows(named=True)
    assert (x["locus"], x["visits"], x["cells"], x["p"], x["slope_per_day"]) == ("TRA", 1, 100, None, None)
    for row in of_beta:
        assert [row[name] for name in SLOPE] == pytest.approx(POISSON[row["junction"]][:3], rel=1e-6)


def test_few_cells_are_not_tested():
    found = run({"two": (1, 0, 1, 0, 0, 0), "five": (1, 1, 1, 1, 0, 1)}, dispersion=0)
    assert dict(found.select("junction", pl.col("p").is_null()).rows()) == {"two": True, "five": False}


def test_where_no_clone_tells_the_dispersion_there_are_neither_limits_nor_p():
    # Of each clone less than one cell is expected in some sample.
    cells = {"few": (1, 1, 1, 1, 0, 1), "falls": (100, 4, 0, 0, 0, 0), "lost": (20, 0, 0, 0, 0, 0)}
    learnt, given = (
        {row["junction"]: row for row in run(cells, dispersion=dispersion).iter_rows(named=True)}
        for dispersion in (None, 0)
    )
    for name, row in learnt.items():
        for column in ("slope_per_day", "half_life"):
            assert row[column] == given[name][column]
        limits = ("lower", "upper", "half_life_lower", "half_life_upper", "doubling_time_lower", "doubling_time_upper")
        assert [row[column] for column in (*limits, "dispersion", "p", "q")] == [None] * 9
    assert learnt["falls"]["half_life"] > 0


def test_refused():
    samples = tables(CELLS)
    with pytest.raises(AnalysisError, match="two samples are a change; found 2; expected 3 or more"):
        trend({name: samples[name] for name in ("d7", "d14")}, days=DAYS, n_effective=WORTH)
    with pytest.raises(AnalysisError, match="needs the day of each sample; found 'none of d84'"):
        trend(samples, days={**DAYS, "d84": None}, n_effective=WORTH)
    with pytest.raises(AnalysisError, match="needs the day of each sample; found 'none of d84'"):
        trend(samples, days={**DAYS, "d84": float("nan")}, n_effective=WORTH)
    with pytest.raises(AnalysisError, match="without the effective number of cells of d14, TRB"):
        trend(samples, days=DAYS, n_effective={**WORTH, "d14": None})
    with pytest.raises(AnalysisError, match="a dispersion must be 0 or more; found -1"):
        trend(samples, days=DAYS, n_effective=WORTH, dispersion=-1)


@settings(max_examples=40)
@given(st.lists(st.tuples(*[st.integers(0, 400)] * 6), min_size=1, max_size=20), st.sampled_from([None, 0, 0.2]))
def test_for_all_counts(columns, dispersion):
    cells = {f"c{place}": column for place, column in enumerate(columns)}
    found = trend(tables(cells), days=DAYS, n_effective=WORTH, dispersion=dispersion)
    seen = {clone for clone, column in cells.items() if any(column)}
    assert set(found["junction"]) == seen | {"rest"}
    slope, lower, upper = found.select(SLOPE).to_numpy().T
    with np.errstate(invalid="ignore"):
        assert not np.any(lower > slope) and not np.any(upper < slope)
        # A limit on the far side of a level course and a small p are one thing.
        p = found["p"].to_numpy()
        assert not np.any(((lower > 1e-6) | (upper < -1e-6)) & (p > 0.0500001))
    later = trend(
        tables(cells), days={name: day + 30 for name, day in DAYS.items()}, n_effective=WORTH, dispersion=dispersion
    )
    np.testing.assert_allclose(found.select(SLOPE).to_numpy(), later.select(SLOPE).to_numpy(), rtol=1e-5, atol=1e-8)
