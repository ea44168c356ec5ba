import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.steps import flow
from tilseq.steps.job import Job

# Between what is dim and what is bright, so that every event's population is known.
THRESHOLDS = {"CD3": 1000.0, "CD4": 1000.0, "CD8": 1000.0, "FSC-A": 1000.0, "SSC-A": 90000.0}


@pytest.fixture
def run(tmp_path, sample, write_tube):
    """Return a function that runs the step on a tube of so many events of each kind: name of a table → its rows."""

    def run(numbers, *, member=None, matrix=True):
        path = write_tube(tmp_path / "tube.fcs", numbers, matrix=matrix)
        folder = tmp_path / "work" / "flow" / "a"
        row = sample("a", assay="flow", path="raw/tube.fcs", member=member)
        arguments = {"aliases": {}, "thresholds": THRESHOLDS}
        job = Job("flow", "a", "flow/a", paths=(str(path),), arguments=arguments, sample=row)
        flow.run(job, folder)
        return {path.stem: pl.read_parquet(path) for path in folder.glob("*.parquet")}

    return run


def of(tables, population):
    rows = tables["endpoints"].filter(pl.col("qualifier").str.ends_with(f"population={population}"))
    return rows.row(0, named=True)


def test_fifty_events_are_quantified_fewer_detected_none_not_detected(run):
    tables = run({"CD4": 50, "CD8": 49, "other": 101})
    told = {name: of(tables, name) for name in ("CD3+", "CD4+ T", "CD8+ T", "DN T")}
    assert {name: (row["value"], row["status"]) for name, row in told.items()} == {
        "CD3+": (49.5, "quantified"),
        "CD4+ T": (pytest.approx(5000 / 99), "quantified"),
        "CD8+ T": (pytest.approx(4900 / 99), "detected_below_loq"),
        "DN T": (0.0, "not_detected"),
    }
    # none of 99: 1 - 0.025 ** (1 / 99) = 3.6577 %
    assert told["DN T"]["upper"] == pytest.approx(3.6577, abs=1e-3)
    assert told["DN T"]["value_text"] == "< 3.66 %"
    assert [row["value_text"] for row in told.values()][:3] == [None, None, None]
    assert told["CD8+ T"]["method"] == "population of 50 events or more quantified, fewer detected only (ICCS)"


def test_a_share_of_no_event_is_not_evaluable(run):
    tables = run({"other": 200, "DN": 0})
    row = of(tables, "CD4+ T")
    assert (row["value"], row["status"], row["value_text"], row["interval_method"]) == (
        None,
        "not_evaluable",
        None,
        None,
    )
    assert of(tables, "CD3+")["status"] == "not_detected"


@pytest.mark.parametrize(
    ("cd4", "cd8", "value", "status"),
    [
        (100, 50, 2.0, "quantified"),
        (100, 40, 2.5, "detected_below_loq"),
        (100, 0, None, "not_evaluable"),
        (0, 100, None, "not_evaluable"),
    ],
)
def test_the_ratio_is_as_certain_as_its_smaller_count(run, cd4, cd8, value, status):
    tables = run({"CD4": cd4, "CD8": cd8, "other": 200})
    row = tables["endpoints"].filter(parameter="cd4_cd8_ratio").row(0, named=True)
    assert (row["value"], row["status"], row["n"]) == (value, status, cd4 + cd8)
    assert (row["upper"] is None, row["interval_method"] is None) == (value is None, value is None)


def test_what_the_reader_found_odd_stands_in_quality(run, monkeypatch):
    from dataclasses import replace

    from tilseq.io import fcs

    read = fcs.read_fcs
    monkeypatch.setattr(fcs, "read_fcs", lambda *a, **k: replace(read(*a, **k), warnings=["$TOT differs."]))
    tables = run({"CD4": 100, "CD8": 100, "other": 200})
    assert tables["quality"].filter(check="input 1").select("sample", "verdict", "reason").rows() == [
        ("a", "warn", "$TOT differs.")
    ]
    assert set(tables["counts"]["verdict"]) == {"warn"}


def test_a_tube_without_a_matrix_is_told(run):
    tables = run({"CD4": 100, "CD8": 100, "other": 200}, matrix=False)
    assert tables["quality"].filter(check="compensation")["verdict"].to_list() == ["warn"]


def test_the_member_is_the_number_of_a_data_set(run):
    assert of(run({"CD4": 60, "CD8": 60, "other": 60}, member="0"), "CD4+ T")["value"] == 50
    with pytest.raises(
        AnalysisError, match=r"samples.csv, column member: no data set; found 'dataset=1'; expected the"
    ):
        run({"CD4": 60, "CD8": 60, "other": 60}, member="dataset=1")
