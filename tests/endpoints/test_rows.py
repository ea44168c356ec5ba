import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.endpoints.parameters import ALL, BY_NAME
from tilseq.endpoints.rows import endpoint, qualifier_pairs, qualifier_text
from tilseq.tables.outputs import ENDPOINTS

SAMPLE = {"subject": "S1", "visit": "D7", "sample": "S1-D7", "day": 7, "specimen": "blood", "assay": "flow"}


def test_a_row_takes_unit_and_scope_from_the_registry_and_sorts_its_qualifiers():
    row = endpoint(
        SAMPLE,
        "percent_of_parent",
        62.5,
        qualifiers={"population": "CD3+", "parent": "lymphocytes"},
        lower=60.0,
        upper=65.0,
        interval_method="exact",
    )
    assert row["unit"] == "%"
    assert row["scope"] == "sample"
    assert row["qualifier"] == "parent=lymphocytes;population=CD3+"
    assert row["status"] == "quantified"
    assert ENDPOINTS.frame([row])["value"].to_list() == [62.5]


def test_a_number_that_is_not_there_is_null_without_limits():
    for nothing in (None, float("nan")):
        row = endpoint(SAMPLE, "cd4_cd8_ratio", nothing, lower=0.0, upper=float("inf"), interval_method="exact", n=20)
        assert (row["value"], row["lower"], row["upper"], row["status"]) == (None, None, None, "not_evaluable")
        assert (row["interval_method"], row["n"]) == (None, 20)


def test_a_word_is_quantified():
    row = endpoint(SAMPLE, "response_derived", None, value_text="PR")
    assert (row["value"], row["value_text"], row["status"]) == (None, "PR", "quantified")


def test_a_qualifier_that_the_parameter_does_not_take_is_refused():
    with pytest.raises(KeyError, match="locus"):
        endpoint(SAMPLE, "cd4_cd8_ratio", 1.0, qualifiers={"locus": "TRB"})


def test_a_qualifier_may_hold_what_parts_qualifiers():
    row = endpoint(SAMPLE, "signature_score", 1.0, qualifiers={"set": "a;b=50% c"})
    assert row["qualifier"] == "set=a%3Bb%3D50%25 c"
    assert qualifier_pairs(row["qualifier"]) == {"set": "a;b=50% c"}
    assert qualifier_pairs("parent=lymphocytes;population=CD3+") == {"parent": "lymphocytes", "population": "CD3+"}
    assert qualifier_pairs(None) == {}
    assert qualifier_text({}) is None


@given(st.dictionaries(st.sampled_from(["locus", "reference", "set"]), st.text()))
def test_qualifiers_come_back_as_they_were(pairs):
    assert qualifier_pairs(qualifier_text(pairs)) == pairs


def test_parameter_names_are_unique():
    assert len(BY_NAME) == len(ALL)
