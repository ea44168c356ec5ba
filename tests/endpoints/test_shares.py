import math

import polars as pl
import pytest

from tilseq.endpoints.kinetics import kinetics
from tilseq.endpoints.shares import cells_per_ul_series, share_series
from tilseq.errors import AnalysisError, TableError

LIMIT = 0.002991208  # 1 - 0.05 ** (1 / 1000), by hand: of 1,000 cells
SHARES = pl.DataFrame(
    {
        "day": [0, 7, 14, 28, 42, 56],
        "value": [None, 0.2, 0.025, 0.0249, 0.0, 0.1],
        "lower": [None, 0.1756, 0.0162, 0.0161, 0.0, None],
        "upper": [None, 0.2262, 0.0367, 0.0366, 0.0037, None],
        "limit_of_detection": [None, LIMIT, LIMIT, LIMIT, LIMIT, None],
    }
)
STATUSES = ["not_evaluable", "quantified", "quantified", "detected_below_loq", "not_detected", "quantified"]


def test_what_a_share_allows_to_say():
    # 25 cells of 1,000 have a coefficient of variation of 20 %; 24.9 have not.
    found = share_series(SHARES)
    assert found.columns == ["day", "value", "lower", "upper", "status"]
    assert found["status"].to_list() == STATUSES
    assert share_series(SHARES.to_pandas())["status"].to_list() == STATUSES
    unlimited = SHARES.filter(day=42).with_columns(upper=pl.lit(None, pl.Float64))
    assert share_series(unlimited)["status"].to_list() == ["not_evaluable"]


@pytest.mark.parametrize("column", ["value", "lower", "upper", "limit_of_detection"])
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -0.1, 1.1])
def test_what_is_no_share_is_refused(column, wrong):
    shares = SHARES.with_columns(pl.when(day=14).then(wrong).otherwise(column).alias(column))
    with pytest.raises(AnalysisError, match=f"from 0 to 1, and null where it is not known: {column}") as error:
        share_series(shares)
    assert "leave out day 14, or give null" in str(error.value)


def test_cells_per_ul_bear_both_errors():
    shares = pl.DataFrame({"day": [7.0], "value": [0.1], "lower": [0.05], "upper": [0.2], "status": ["quantified"]})
    t_cells = pl.DataFrame({"day": [7], "value": [200], "lower": [100], "upper": [400]})
    row = cells_per_ul_series(shares, t_cells, seed=1).row(0, named=True)
    # Of two log-normal factors with limits of half and twice the product's are 2 ** ±√2 of it.
    assert row["value"] == pytest.approx(20)
    assert row["lower"] == pytest.approx(20 / 2 ** math.sqrt(2), rel=0.03)
    assert row["upper"] == pytest.approx(20 * 2 ** math.sqrt(2), rel=0.03)


def test_cells_per_ul_of_what_cannot_be_told():
    t_cells = pl.DataFrame(
        {
            "day": [0, 7, 28, 42, 56],
            "value": [900, 10, 50, 100, 10],
            "lower": [800, 9, 40, 80, 9],
            "upper": [999, 11, 60, 120, 11],
        }
    )
    found = cells_per_ul_series(share_series(SHARES), t_cells, seed=1)
    assert found["status"].to_list() == ["not_evaluable", "quantified", "not_evaluable", *STATUSES[3:]]
    by_day = {row["day"]: row for row in found.iter_rows(named=True)}
    assert by_day[0]["value"] is by_day[14]["value"] is by_day[56]["lower"] is by_day[56]["upper"] is None
    assert by_day[56]["value"] == pytest.approx(1)
    assert (by_day[42]["value"], by_day[42]["lower"]) == (0, 0)
    assert by_day[42]["upper"] == pytest.approx(0.0037 * 120)


def test_refused():
    series = share_series(SHARES)
    twice = pl.DataFrame({"day": [7, 7], "value": [10, 11], "lower": [9, 9], "upper": [12, 12]})
    once = twice.head(1)
    for wrong in (twice, once.with_columns(value=pl.lit(0)), once.rename({"lower": "upper", "upper": "lower"})):
        with pytest.raises(AnalysisError, match="must be above 0 and within their limits, once a day; found"):
            cells_per_ul_series(series, wrong, seed=1)
    with pytest.raises(TableError, match="column status: table series lacks a column"):
        cells_per_ul_series(series.drop("status"), once, seed=1)


def test_a_series_of_whole_days_is_one():
    """Days of int64 met none of the T cells', and ended in a traceback."""
    shares = share_series(SHARES).with_columns(pl.col("day").cast(pl.Int64))
    t_cells = pl.DataFrame({"day": [7], "value": [10], "lower": [9], "upper": [11]})
    assert cells_per_ul_series(shares, t_cells, seed=1).filter(day=7)["value"].to_list() == [2.0]


def test_kinetics_of_an_infused_mass():
    # Halved every 14 days from day 7 on, lost between day 77 and 98; limits as of about 10,000 cells.
    days = [0, 7, 21, 35, 49, 77, 98]
    value = [0.0, 0.4, 0.2, 0.1, 0.05, 0.0125, 0.0]
    shares = pl.DataFrame(
        {
            "day": days,
            "value": value,
            "lower": [0.9 * each for each in value],
            "upper": [1.1 * each or 0.0004 for each in value],
            "limit_of_detection": 0.0003,
        }
    )
    found = {
        row["parameter"]: row for row in kinetics(share_series(shares), unit="fraction", seed=1).iter_rows(named=True)
    }
    assert (found["peak"]["value"], found["day_of_peak"]["value"]) == (0.4, 7)
    half_life = found["half_life"]
    assert half_life["value"] == pytest.approx(14)
    assert half_life["lower"] < 14 < half_life["upper"]
    loss = found["time_to_loss"]
    assert (loss["lower"], loss["upper"]) == (77, 98)
    # (0.0002 + 0.4) / 2 · 7 up; then exponentials: (0.4 - 0.2) / ln 2 · 14, and from day 21 by half a period to day 28
    up, down = (0.0002 + 0.4) / 2 * 7, (0.4 - 0.2) / math.log(2) * 14 + (0.2 - 0.1 * math.sqrt(2)) / math.log(2) * 14
    assert found["auc_0_28"]["value"] == pytest.approx(up + down, rel=1e-9)
