"""Whose reading is the endpoint."""

import pytest

from tilseq.errors import AnalysisError
from tilseq.readers import endpoint_reader


@pytest.mark.parametrize(
    ("readers", "wanted", "reader"),
    [
        (["central", "investigator"], None, "investigator"),
        (["INVESTIGATOR", "central"], None, "INVESTIGATOR"),
        (["central", "investigator"], "central", "central"),
        (["central"], None, "central"),
        (["A", "B"], None, None),
        ([None], None, None),
        ([None, "A"], None, None),
        (["investigator", "Investigator"], None, None),
        ([], None, None),
    ],
)
def test_wanted_or_the_investigator_or_the_only_one(readers, wanted, reader):
    assert endpoint_reader(readers, wanted) == reader


def test_a_name_that_nobody_bears_is_refused():
    with pytest.raises(AnalysisError, match="no reader of this name; found 'centrall'.*did you mean 'central'"):
        endpoint_reader(["central", "investigator"], "centrall")
