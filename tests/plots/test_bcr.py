import polars as pl
import pytest
from matplotlib.axes import Axes

from tilseq.errors import AnalysisError
from tilseq.plots import distance_histogram, isotype_bars, mutation_histogram
from tilseq.tables.repertoire import ISOTYPES, MUTATION


def isotypes(**samples):
    """Table of samples' numbers of each class."""
    rows = [
        {"sample": sample, "unit": "families", "level": "class", "isotype": name, "number": number, "total": 10,
         "share": number / 10, "lower": 0.0, "upper": 1.0}
        for sample, numbers in samples.items() for name, number in numbers.items()
    ]  # fmt: skip
    rows += [{"sample": name, "unit": "families", "level": "class", "isotype": "unassigned", "number": 1, "total": 11}
             for name in samples]  # fmt: skip
    return ISOTYPES.frame(rows)


def test_isotypes_stand_in_the_order_of_the_genes():
    table = isotypes(day7={"IGHA": 3, "IGHM": 7}, day0={"IGHM": 6, "IGHG": 4})
    axes = isotype_bars(table, order=["day7", "absent", "day0"])
    assert isinstance(axes, Axes)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["IGHM", "IGHG", "IGHA"]
    assert [bar.get_height() for bar in axes.patches] == [0.7, 0, 0.3, 0.6, 0.4, 0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["day7 (10 families)", "day0 (10 families)"]
    assert axes.get_ylabel() == "Share of families, 95 % limits"
    assert len(axes.collections) == 4  # a limit each of the shares that are there
    by_name = isotype_bars(table.to_pandas()).get_legend().get_texts()
    assert [text.get_text() for text in by_name] == ["day0 (10 families)", "day7 (10 families)"]


def test_an_eighth_sample_does_not_look_like_the_first():
    axes = isotype_bars(isotypes(**{f"day{i}": {"IGHM": 10} for i in range(9)}))
    assert len({(bar.get_facecolor(), bar.get_hatch()) for bar in axes.patches}) == 9


def test_without_limits_none_are_told():
    axes = isotype_bars(isotypes(s={"IGHM": 10}).with_columns(lower=None, upper=None))
    assert axes.get_ylabel() == "Share of families" and len(axes.collections) == 0
    with pytest.raises(AnalysisError, match="unit counts, level class"):
        isotype_bars(isotypes(s={"IGHM": 10}), unit="counts")


def mutation(*rows):
    """Table of sequences of a constant gene and a frequency."""
    return MUTATION.frame(
        [
            {"sample": "s", "sequence_id": f"{i}", "locus": "IGH", "junction": "A", "duplicate_count": 1, "c_call": c,
             "mutation_frequency": frequency}
            for i, (c, frequency) in enumerate(rows)
        ]
    )  # fmt: skip


def test_switched_and_unswitched_are_stacked():
    axes = mutation_histogram(mutation(("IGHM", 0.001), ("IGHD*01", 0.015), ("IGHG1", 0.015), (None, 0.02)))
    assert [text.get_text() for text in axes.get_legend().get_texts()] == [
        "IGHM, IGHD",
        "switched",
        "isotype not known",
    ]
    heights = [bar.get_height() for bar in axes.patches]
    assert [sum(heights[start : start + len(heights) // 3]) for start in (0, len(heights) // 3)] == [2, 1]
    assert axes.get_xlabel() == "Bases mutated from the germline"


def test_very_mutated_sequences_stand_in_the_last_bar():
    axes = mutation_histogram(mutation(("IGHM", 0.3), ("IGHM", 0.45), ("IGHM", 0.0)))
    heights = [bar.get_height() for bar in axes.patches]
    assert sum(heights) == 3 and heights[29] == 2
    assert axes.get_xlabel() == "Bases mutated from the germline (last bar: 30% and more)"
    with pytest.raises(AnalysisError, match="no heavy chain") as told:
        mutation_histogram(mutation(("IGHM", None)))
    assert told.value.mend == "give a file with its alignments"


@pytest.mark.parametrize(
    ("source", "words"), [("set", "as set"), ("valley", "the valley"), ("usual", "usual, as no valley was found")]
)
def test_the_threshold_stands_among_the_distances(source, words):
    axes = distance_histogram(pl.DataFrame({"distance": [0.0, 0.03, 0.41, 1.0, None]}), threshold=0.125, source=source)
    assert axes.lines[0].get_xdata()[0] == 0.125
    assert axes.get_title(loc="left") == f"Threshold of families: 12.5 % ({words})"
    assert sum(bar.get_height() for bar in axes.patches) == 4


def test_junctions_without_another_cannot_be_drawn():
    with pytest.raises(AnalysisError, match="no junction"):
        distance_histogram(pl.DataFrame({"distance": [None]}), threshold=0.1, source="set")
