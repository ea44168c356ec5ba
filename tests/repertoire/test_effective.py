import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.repertoire.effective import depths_of, effective_clones, limit_of_detection, summed


def clones(counts, locus="TRB"):
    return pl.DataFrame({"locus": locus, "junction": list(counts), "duplicate_count": list(counts.values())})


def by_clone(frame):
    return {row["junction"]: (row["frequency"], row["n_effective"], row["cells"]) for row in frame.to_dicts()}


def test_limit_of_detection_as_the_notes_have_it():
    assert limit_of_detection(100_000) == pytest.approx(2.9957e-05, rel=1e-4)


def test_clones_carry_their_shares_and_cells():
    found = effective_clones(clones({"a": 30, "b": 10}), 20)
    assert by_clone(found) == {"a": (0.75, 20, 15), "b": (0.25, 20, 5)}
    assert by_clone(effective_clones(clones({"a": 3}), None)) == {"a": (1, None, None)}
    assert depths_of(effective_clones(clones({"a": 3}), {"TRA": 1.0})) == {"TRB": None}
    assert by_clone(effective_clones(clones({"a": 3, "b": 7}), 10)) == {"a": (0.3, 10, 3), "b": (0.7, 10, 7)}


def test_how_often_a_cell_is_counted_is_told_or_goes_by_the_cells():
    def counting(table, *of):
        return dict(effective_clones(table, *of).select("locus", "counting").unique().iter_rows())

    both = pl.concat([clones({"a": 3, "b": 7}), clones({"c": 5}).with_columns(locus=pl.lit("TRA"))])
    assert counting(both, {"TRB": 10.0, "TRA": 4.0}) == {"TRB": "once", "TRA": "drawn"}
    assert counting(both, {"TRB": 8.0}, {"TRB": "twice"}) == {"TRB": "twice", "TRA": None}
    assert counting(clones({"a": 3}), None) == {"TRB": None}
    assert counting(clones({"a": 3}), 2, {"TRB": "unsure"}) == {"TRB": "unsure"}
    twice, drawn = (effective_clones(clones({"a": 30}), 20, {"TRB": how}) for how in ("twice", "drawn"))
    assert summed([twice, twice])["counting"].to_list() == ["twice"]
    assert summed([twice, drawn])["counting"].to_list() == [None]


@pytest.mark.parametrize("n", [0, -1, 5, float("nan")])
def test_more_cells_than_counts_are_refused(n):
    with pytest.raises(AnalysisError, match="effective number of cells of TRB cannot exceed its counts"):
        effective_clones(clones({"a": 3, "b": 1}), n)


def test_samples_are_summed_by_their_cells():
    one, other = effective_clones(clones({"a": 30, "b": 10}), 20), effective_clones(clones({"b": 60}), 60)
    assert by_clone(summed([one, other])) == {"a": (15 / 80, 80, 15), "b": (65 / 80, 80, 65)}
    assert summed([one]) is one


def test_where_one_depth_is_not_known_that_of_the_sum_is_not_and_shares_are_means():
    one, other = effective_clones(clones({"a": 30, "b": 10}), 20), effective_clones(clones({"b": 60}), None)
    assert by_clone(summed([one, other])) == {"a": (0.375, None, None), "b": (0.625, None, None)}
