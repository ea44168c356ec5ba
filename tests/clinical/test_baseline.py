"""What is asked, refused and told of a baseline."""

import polars as pl
import pytest

from tests.clinical.lesion_rows import lesion
from tilseq.clinical import response
from tilseq.errors import StudyError


def reasons(*rows, **options):
    return response(pl.DataFrame(list(rows), infer_schema_length=None), **options)["reason"].to_list()


def refusal(*rows, responses=None, **options):
    with pytest.raises(StudyError) as caught:
        response(pl.DataFrame(list(rows), infer_schema_length=None), responses, **options)
    return caught.value.problems


def test_more_than_two_targets_of_an_organ_are_told_and_nodes_are_one_organ():
    lung = [lesion(0, f"T{i}", 20.0, site="lung") for i in range(3)]
    nodes = [lesion(0, f"L{i}", 20.0, node=True, site=site) for i, site in enumerate(["neck", "axilla", "groin"])]
    assert reasons(*lung) == ["3 targets in lung, more than 2"]
    assert reasons(*nodes) == ["3 targets in lymph nodes, more than 2"]
    assert reasons(*lung[:2], *nodes[:2]) == [None]
    assert reasons(*(lesion(0, f"T{i}", 20.0) for i in range(3))) == [None]  # organs not given


@pytest.mark.parametrize(
    ("site", "node", "told"),
    [
        ("lymph_node", False, "T1 by its site a lymph node, by `node` none"),
        ("Lymph nodes, axillary", None, "T1 by its site a lymph node, by `node` none"),
        ("left inguinal LN", False, "T1 by its site a lymph node, by `node` none"),
        ("lymph_node", True, None),
        ("extranodal", False, None),
        ("lung nodule", False, None),
        ("soft tissue", True, "T1 by its site no lymph node, by `node` one"),
        ("Liver", True, "T1 by its site no lymph node, by `node` one"),
        ("liver hilum", True, None),
        ("neck", True, None),
        (None, True, None),
    ],
)
def test_a_site_that_denies_what_node_says_is_told(site, node, told):
    assert reasons(lesion(0, "T1", 20.0, site=site, node=node)) == [told]


def test_a_baseline_of_more_than_28_days_before_treatment_is_told():
    assert reasons(lesion(-28, "T1", 20.0)) == [None]
    assert reasons(lesion(-29, "T1", 20.0)) == ["scanned 29 days before treatment starts, more than 28"]
    start = pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": [-7]})
    assert reasons(lesion(-35, "T1", 20.0), subjects=start) == [None]


def test_a_resected_lesion_and_a_scan_before_the_harvest_are_told():
    start = pl.DataFrame({"subject": ["S1"], "harvest_day": [-20]})
    told = reasons(lesion(-25, "T1", 20.0), lesion(40, "T1", 5.0), subjects=start)
    assert told == ["no baseline: the last assessment before treatment (day -25) is not after the harvest (-20)"] * 2
    rows = [lesion(-5, "T1", 20.0), lesion(-5, "T2", 30.0, resected=True)]
    assert reasons(*rows, subjects=start) == ["T2 resected for the product, no target"]


def test_a_scan_on_the_day_of_harvest_is_not_after_it():
    start = pl.DataFrame({"subject": ["S1"], "harvest_day": [-20]})
    rows = [lesion(-20, "T1", 20.0), lesion(40, "T1", 5.0)]
    assert reasons(*rows, subjects=start)[0] == (
        "no baseline: the last assessment before treatment (day -20) is not after the harvest (-20)"
    )
    day_after = [lesion(-19, "T1", 20.0), lesion(40, "T1", 5.0)]
    table = response(pl.DataFrame(day_after), subjects=start)
    assert table.select("day", "baseline", "response").rows() == [(-19, True, None), (40, False, "PR")]
    # Scans over days -20 to -18 of one visit began on the day of harvest.
    visit = [lesion(-20, "T1", 20.0, visit="base"), lesion(-18, "T2", 20.0, visit="base")]
    assert reasons(*visit, subjects=start)[0].startswith("no baseline")


NOBODY = pl.DataFrame(schema={"subject": pl.String, "infusion": pl.Int64, "day": pl.Int64})


def never_treated(*rows, **days):
    """Return day, whether it is the baseline, and the response of each assessment of one without any treatment."""
    days = {"harvest_day": None, "lymphodepletion_day": None} | days
    people = pl.DataFrame([{"subject": "S1"} | days], schema_overrides=dict.fromkeys(days, pl.Int64))
    table = response(pl.DataFrame(list(rows)), subjects=people, infusions=NOBODY)
    return table.select("day", "baseline", "response").rows()


def test_of_who_was_never_treated_the_baseline_is_the_first_scan_after_the_harvest():
    scans = lesion(-60, "T1", 30.0), lesion(-40, "T1", 50.0), lesion(-20, "T1", 60.0)
    assert never_treated(*scans, harvest_day=-50) == [(-60, False, None), (-40, True, None), (-20, False, "PD")]
    assert never_treated(*scans) == [(-60, True, None), (-40, False, "PD"), (-20, False, "PD")]
    assert never_treated(*scans, lymphodepletion_day=-7)[2] == (-20, True, None)
    # The targets were chosen anew on the later scan.
    assert never_treated(*scans[1:], lesion(-20, "T2", 20.0)) == [(-40, False, None), (-20, True, None)]


def test_a_baseline_in_centimetres_is_refused_with_its_row_and_asked_about():
    rows = [lesion(-5, "T1", 2.9), lesion(-5, "T2", 9.9), lesion(41, "T1", 2.4), lesion(41, "T2", 1.0)]
    (problem,) = refusal(*rows, lesion_rows=[2, 3, 4, 5])
    assert (problem.row, problem.column, problem.expected) == (2, "diameter_mm", "diameters in mm, not cm")
    assert "S1, day -5: 2.9, 9.9" in problem.found
    told = reasons(*rows, undersized="accept")
    assert told[0] == "T1, T2 smaller than a target may be (10 mm, node 15 mm; is it in mm?)"
    # One target of 10 mm is a measurement in mm; its small neighbour is told.
    assert reasons(lesion(-5, "T1", 10.0), lesion(-5, "T2", 2.9)) == [
        "T2 smaller than a target may be (10 mm, node 15 mm; is it in mm?)"
    ]
    # Nothing is asked of non-targets, nor of targets that were not measured.
    assert reasons(lesion(-5, "N1", 2.9, role="nontarget"), lesion(-5, "T1")) == ["T1 not measured"]


def test_a_visit_that_begins_before_treatment_and_ends_within_a_week_of_it_is_the_baseline():
    start = pl.DataFrame({"subject": ["S1"], "lymphodepletion_day": [-7]})

    def found(last_scan, visit="BL"):
        rows = [lesion(-8, "T1", 50.0, visit=visit), lesion(last_scan, "T2", 20.0, visit=visit)]
        rows += [lesion(42, "T1", 30.0), lesion(42, "T2", 18.0)]
        return response(pl.DataFrame(rows, infer_schema_length=None), subjects=start)

    table = found(-6)
    assert table.select("day", "baseline", "response").rows() == [(-6, True, None), (42, False, "PR")]
    assert table["reason"][0] == "the last scan is 1 days after treatment started (day -7); scans on days -8 to -6"
    assert found(-1)["response"].to_list() == [None, "PR"]
    assert found(0)["response"].to_list() == ["NE", "NE"]  # the day of the infusion


def test_rows_without_a_reader_beside_rows_of_one_are_refused():
    lesions = [lesion(-5, "T1", 20.0, reader="A"), lesion(41, "T1", 20.0)]
    (problem,) = refusal(*lesions, lesion_rows=[2, 3])
    assert (problem.row, problem.column) == (3, "reader")
    assert problem.found == "'subject S1, day 41; others are of A'"
    # Lesions without a reader, recorded responses of one: they would never meet.
    recorded = pl.DataFrame({"subject": ["S1"], "day": [41], "reader": ["A"], "response": ["SD"]})
    (problem,) = refusal(lesion(-5, "T1", 20.0), lesion(41, "T1", 20.0), responses=recorded)
    assert problem.what == "a row without a reader stands beside rows of one"


def test_readers_that_differ_in_case_alone_are_refused_in_lesions_and_responses_together():
    """No recorded response met a derived one, and nothing was told."""
    lesions = [lesion(-5, "T1", 20.0, reader="Investigator"), lesion(41, "T1", 20.0, reader="Investigator")]
    recorded = pl.DataFrame({"subject": ["S1"], "day": [41], "reader": ["investigator"], "response": ["SD"]})
    (problem,) = refusal(*lesions, responses=recorded, response_rows=[2])
    assert (problem.table, problem.row, problem.column) == ("responses", 2, "reader")
    assert problem.what == "this reader's name differs from another only in case or Unicode form"
    assert problem.found == "'subject S1, day 41, reader investigator; others are of Investigator'"


def test_errors_name_the_row_of_the_file_in_whatever_order_the_rows_are():
    rows = [
        lesion(41, "N1", 0.0, role="nontarget", state="present"),
        lesion(-5, "T1", 20.0),
        lesion(-5, "N1", 12.0, role="nontarget"),
        lesion(41, "T2", 20.0),
        lesion(41, "T1", 20.0, node=True),
        lesion(-5, "T1", 20.0, node=False, subject="S0"),
        lesion(41, "T1", 20.0, node=True, subject="S0"),
    ]
    found = {problem.row: problem.what for problem in refusal(*rows, lesion_rows=[2, 3, 4, 5, 6, 7, 8])}
    assert found == {
        2: "a lesion that is present has a diameter above 0 mm",
        5: "this lesion is not in the baseline",
        8: "the node of a lesion changes between visits",
    }
