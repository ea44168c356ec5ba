from datetime import date

import pytest

from tilseq.io.fcs import staining_of
from tilseq.io.fcs_date import measured_on


@pytest.mark.parametrize(
    ("told", "day"),
    [
        ("02-JUL-2013", date(2013, 7, 2)),
        (" 2-Jul-2013 ", date(2013, 7, 2)),
        ("2013-Jul-19", date(2013, 7, 19)),
        ("2016-10-25", date(2016, 10, 25)),
        ("23-Aug-02", date(2002, 8, 23)),
        ("23-Aug-70", date(1970, 8, 23)),
        ("23-Aug-69", date(2069, 8, 23)),
        ("03/04/2024", None),  # the third of April or the fourth of March
        ("01-JAN-0001", date(1, 1, 1)),
        ("31-FEB-2024", None),
        ("01-MAI-2024", None),
        ("2024-13-01", None),
        ("", None),
    ],
)
def test_days_that_read_in_one_way(told, day):
    assert measured_on({"$DATE": told}) == day


def test_without_the_keyword_there_is_no_day():
    assert measured_on({"$BTIM": "12:00:00"}) is None


@pytest.mark.parametrize(
    ("file", "day"),
    [
        ("flow/flowsom_68983/68983.fcs", date(2013, 7, 2)),
        ("flow/odd/3FITC_4PE_004.fcs", date(2005, 5, 18)),
        ("flow/odd/G11.fcs", date(2020, 3, 2)),
        ("flow/itn/itn_01.fcs", None),
    ],
)
def test_real_files(shared_data, file, day):
    assert measured_on(staining_of(shared_data / file).keywords) == day
