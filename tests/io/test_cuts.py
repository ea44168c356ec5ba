import pytest

from tilseq.errors import ReadError, TilseqError
from tilseq.io.cuts import read_cohort_cuts

HEAD = "panel,instrument,batch,gate,parent,channel,threshold,lower,upper,spread,radius,mad,tubes\n"


def cut(panel="tbnk", instrument="", threshold=450):
    return f"{panel},{instrument},,CD4,CD3+,B-A,{threshold},400,500,,,20,4\n"


@pytest.fixture
def table(tmp_path):
    def write(*rows):
        (tmp_path / "cuts.csv").write_text(HEAD + "".join(rows))
        return tmp_path / "cuts.csv"

    return write


def sample(**told):
    return {"panel": "tbnk", "instrument": "one", "batch": None, **told}


def test_the_rows_of_a_samples_group(table):
    path = table(cut(threshold=450), cut(panel="marked", threshold=480))
    assert read_cohort_cuts(path, sample())["threshold"].to_list() == [450]
    assert read_cohort_cuts(path, sample(panel="marked"))["threshold"].to_list() == [480]


def test_the_rows_that_tell_more_of_the_group_go_first(table):
    path = table(cut(threshold=450), cut(instrument="one", threshold=470))
    assert read_cohort_cuts(path, sample())["threshold"].to_list() == [470]
    assert read_cohort_cuts(path, sample(instrument="two"))["threshold"].to_list() == [450]


def test_no_rows_of_the_group_are_refused(table):
    with pytest.raises(ReadError, match="have none for this tube; found 'panel other, instrument one'"):
        read_cohort_cuts(table(cut()), sample(panel="other"))


def test_a_table_without_a_row_is_refused(table):
    with pytest.raises(ReadError, match="holds no cut; expected a row a cut"):
        read_cohort_cuts(table())


def test_several_groups_are_refused_where_no_sample_chooses(table):
    with pytest.raises(ReadError, match="several groups of tubes; expected one group; keep the rows of one panel"):
        read_cohort_cuts(table(cut(), cut(panel="marked")))


def region(channel="FSC-A", **other):
    values = {"parent": "lymphocytes", "threshold": 90000, "lower": 50000, "upper": 160000, "spread": 0.16}
    values |= {"shift": -1.5, "radius": 5.2, "mad": 500, "tubes": 4, **other}
    told = ",".join(str(values[name]) for name in ("threshold", "lower", "upper", "spread", "radius", "mad", "tubes"))
    return f"tbnk,,,lymphocytes {channel},{values['parent']},{channel},{told},{values['shift']}\n"


@pytest.fixture
def region_table(tmp_path):
    def write(*rows):
        (tmp_path / "cuts.csv").write_text(HEAD.replace("tubes", "tubes,shift") + "".join(rows))
        return tmp_path / "cuts.csv"

    return write


def test_a_region_is_read(region_table):
    rows = read_cohort_cuts(region_table(region("FSC-A"), region("SSC-A"), region("CD45", spread=5, radius=5.2)))
    assert rows["shift"].to_list() == [-1.5] * 3
    unmoved = region_table(region("FSC-A", shift=""), region("SSC-A", shift="", parent="live"))
    assert read_cohort_cuts(unmoved)["shift"].to_list() == [None, None]
    # a marker that tubes bear in two channels
    twice = region("CD45").replace("CD45,lymphocytes,CD45", "CD45,lymphocytes,V500-A")
    assert read_cohort_cuts(region_table(region("FSC-A"), region("SSC-A"), region("CD45"), twice)).height == 4


@pytest.mark.parametrize(
    ("second", "column", "words"),
    [
        ({"spread": ""}, "spread", "needs a centre, spread and radius above 0; found ''; expected above 0 to 5; take"),
        ({"spread": 0}, "spread", "found 0.0"),
        ({"spread": -3}, "spread", "found -3.0"),
        ({"spread": 5.1}, "spread", "found 5.1"),
        ({"radius": 20.5}, "radius", "found 20.5; expected above 0 to 20"),
        ({"radius": ""}, "radius", "found ''"),
        ({"threshold": 0, "lower": 0}, "threshold", "found 0.0"),
        ({"shift": -10.5}, "shift", "too far off its centre; found -10.5; expected -10 to 10 spreads"),
        ({"shift": 11}, "shift", "found 11.0"),
        ({"shift": ""}, "shift", "on all channels or on none; found ''; expected a shift in all rows of the region or"),
        ({"radius": 5.3}, "radius", "a region has one radius; found 5.3; expected 5.2 as in row 2"),
        ({"threshold": 1e19, "upper": 2e19}, "threshold", "no cytometer measures such a value; found 1e+19"),
        ({"upper": 3e18}, "upper", "no cytometer"),
        ({"lower": 91000}, "lower", "the lower end lies above the threshold; found 91000.0; expected at most 90000"),
        ({"upper": 89000}, "upper", "the upper end lies below the threshold; found 89000.0; expected at least 90000"),
        ({"mad": -1}, "mad", "cannot stand here; found '-1'; expected at least 0"),
        ({"tubes": 0}, "tubes", "cannot stand here; found '0'; expected at least 1"),
        ({"threshold": "inf"}, "threshold", "cannot stand here; found 'inf'"),
        ({"lower": "nan"}, "lower", "cannot stand here; found 'nan'"),
    ],
)
def test_a_region_that_no_run_writes_is_refused_with_its_place(region_table, second, column, words):
    path = region_table(region("FSC-A"), region("SSC-A", **second))
    with pytest.raises(TilseqError) as caught:
        read_cohort_cuts(path)
    assert words in str(caught.value)
    assert (caught.value.file, caught.value.row, caught.value.column) == (str(path), 3, column)


@pytest.mark.parametrize(
    ("rows", "row", "column", "words"),
    [
        ([region("FSC-A"), region("SSC-A"), region("FSC-A", parent="live")], 4, "parent", "stands in row 2 already"),
        (
            [cut(), region("FSC-A")],
            3,
            "gate",
            "the region lacks SSC-A; found 'lymphocytes FSC-A'; expected lymphocytes",
        ),
        ([region("CD45"), region("SSC-A")], 2, "gate", "the region lacks FSC-A"),
        (
            [region("FSC-A"), region("FSC-H")],
            3,
            "gate",
            "no such channel; found 'lymphocytes FSC-H'; expected FSC-A or",
        ),
    ],
)
def test_rows_that_make_no_region_are_refused(region_table, rows, row, column, words):
    rows = [line.replace("4\n", "4,\n") if "CD4," in line else line for line in rows]
    with pytest.raises(ReadError) as caught:
        read_cohort_cuts(region_table(*rows))
    assert words in str(caught.value)
    assert (caught.value.row, caught.value.column) == (row, column)


@pytest.mark.parametrize(
    ("threshold", "column", "words"),
    [(399, "lower", "found 400.0; expected at most 399"), (501, "upper", "found 500.0; expected at least 501")],
)
def test_a_cut_outside_its_ends_is_refused(table, threshold, column, words):
    with pytest.raises(ReadError, match=words) as caught:
        read_cohort_cuts(table(cut(), cut(instrument="two", threshold=threshold)), sample())
    assert (caught.value.row, caught.value.column) == (3, column)
