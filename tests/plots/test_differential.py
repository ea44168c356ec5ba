import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.plots import volcano
from tilseq.plots.style import PALETTE

ROWS = [  # gene, log2 fold change, p, q
    ("GZMB", 2.0, 1e-6, 6e-6),
    ("TCF7", -1.5, 1e-4, 3e-4),
    ("CCR7", -0.2, 0.01, 0.02),
    ("ACTB", 0.1, 0.1, 0.15),
    ("GAPDH", 0.0, 1.0, 1.0),
    ("KRT5", None, None, None),
]


def differential(rows=ROWS, contrast="visit:D28/product", engine="voom"):
    schema = {"gene": pl.String, "log2_fold_change": pl.Float64, "p": pl.Float64, "q": pl.Float64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(contrast=pl.lit(contrast), engine=pl.lit(engine))


def points(axes):
    """Points by colour."""
    marks = [line for line in axes.lines if line.get_linestyle() == "None"]
    return {line.get_color(): [pytest.approx(point) for point in line.get_xydata().tolist()] for line in marks}


def legend(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


def test_called_genes_are_coloured_by_their_side_and_named():
    axes = volcano(differential())
    assert points(axes) == {
        PALETTE[1]: [[2.0, 6.0]],
        PALETTE[0]: [[-1.5, 4.0], [-0.2, 2.0]],
        "#b4bcc4": [[0.1, 1.0], [0.0, 0.0]],
    }
    assert legend(axes) == ["not called (2)", "down (2)", "up (1)", "q < 0.05 above"]
    assert [text.get_text() for text in axes.texts] == ["GZMB", "TCF7", "CCR7"]
    assert axes.get_title(loc="left") == "3 called (q < 0.05); 1 not tested"
    assert axes.get_xlabel() == "log2 fold change, D28 against product"
    low, high = axes.get_xlim()
    assert low == -high
    (line,) = [line for line in axes.lines if line.get_linestyle() == "--"]
    assert line.get_ydata()[0] == pytest.approx(2)  # the highest p with q < 0.05


def test_a_least_fold_change_leaves_out_what_is_small():
    axes = volcano(differential(), fold=1, labels=1)
    assert points(axes)[PALETTE[0]] == [[-1.5, 4.0]]
    assert [text.get_text() for text in axes.texts] == ["GZMB"]
    told = axes.get_title(loc="left")
    assert told == "2 called (q < 0.05, log2 fold change of 1 or more); 1 of them named; 1 not tested"
    assert sorted(line.get_xdata()[0] for line in axes.lines if line.get_linestyle() == ":") == [-1, 1]


def test_a_p_of_0_stands_on_a_line_above_all_others():
    axes = volcano(differential([("A", 1.0, 0.0, 0.0), ("B", 1.0, 1e-10, 2e-10)]))
    (line,) = [line for line in axes.lines if line.get_linestyle() == "-."]
    assert line.get_ydata()[0] == pytest.approx(10.5)
    assert points(axes)[PALETTE[1]] == [[1.0, 10.5], [1.0, 10.0]]
    assert "p too small to be told from 0" in legend(axes)


def test_where_nothing_is_called_no_line_is_drawn():
    axes = volcano(differential(ROWS[3:5]))
    assert axes.get_title(loc="left") == "none called (q < 0.05)"
    assert legend(axes) == ["not called (2)"]


def test_what_cannot_be_drawn_is_refused():
    both = pl.concat([differential(), differential(contrast="visit:D7/product")])
    with pytest.raises(AnalysisError, match=r"several contrasts; found 'visit:D28/product, visit:D7/product'"):
        volcano(both)
    assert volcano(both, contrast="visit:D7/product").get_xlabel() == "log2 fold change, D7 against product"
    with pytest.raises(AnalysisError, match=r"no such contrast; .*did you mean 'visit:D7/product'"):
        volcano(both, contrast="visit:D7/prodct")
    with pytest.raises(AnalysisError, match="several engines; found 'deseq2, voom'"):
        volcano(pl.concat([differential(), differential(engine="deseq2")]))
    with pytest.raises(AnalysisError, match="column gene: a gene stands twice; found 'GZMB'"):
        volcano(differential([*ROWS, ROWS[0]]))
    with pytest.raises(AnalysisError, match="no gene has a fold change and p"):
        volcano(differential(ROWS[5:]))
    with pytest.raises(AnalysisError, match="column q: the figure needs this column"):
        volcano(differential().drop("q"))
