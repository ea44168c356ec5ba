import pytest

from tilseq.errors import ReadError
from tilseq.io.cuts import read_cohort_cuts

HEAD = "panel,instrument,batch,gate,parent,channel,threshold,lower,upper,spread,radius,mad,tubes\n"
REGION = "tbnk,,,lymphocytes FSC-A,CD3+,FSC-A,90000,88000,92000,{spread},3.5,500,4\n"


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
    path = table(cut(threshold=450), cut(panel="marked", threshold=600))
    assert read_cohort_cuts(path, sample())["threshold"].to_list() == [450]
    assert read_cohort_cuts(path, sample(panel="marked"))["threshold"].to_list() == [600]


def test_the_rows_that_tell_more_of_the_group_go_first(table):
    path = table(cut(threshold=450), cut(instrument="one", threshold=470))
    assert read_cohort_cuts(path, sample())["threshold"].to_list() == [470]
    assert read_cohort_cuts(path, sample(instrument="two"))["threshold"].to_list() == [450]


def test_no_rows_of_the_group_are_refused(table):
    with pytest.raises(ReadError, match="have none for this tube; found 'panel other, instrument one'"):
        read_cohort_cuts(table(cut()), sample(panel="other"))


def test_several_groups_are_refused_where_no_sample_chooses(table):
    with pytest.raises(ReadError, match="several groups of tubes; expected one group; keep the rows of one panel"):
        read_cohort_cuts(table(cut(), cut(panel="marked")))


@pytest.mark.parametrize("spread", ["", "0", "-3"])
def test_a_region_without_size_is_refused(table, spread):
    with pytest.raises(ReadError, match="needs a centre, spread and radius above 0; found 'lymphocytes FSC-A'"):
        read_cohort_cuts(table(REGION.format(spread=spread)))
