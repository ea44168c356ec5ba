"""Lesions and recorded responses from SDTM's TU, TR and RS."""

import pytest

from tilseq.errors import ReadError, StudyError
from tilseq.io.sdtm import read_sdtm_recist

TU = "USUBJID,VISIT,TULOC,TUTESTCD,TUORRES,TUMETHOD,TULNKID,TUEVAL,TUEVALID,TUACPTFL\n"
TR = "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRORRESU,TRSTRESC,TRSTRESU,VISIT,TREVAL,TREVALID,TRACPTFL,TRDTC\n"
RS = "USUBJID,VISIT,RSTESTCD,RSORRES,RSEVAL,RSEVALID,RSACPTFL,RSDTC\n"
LESIONS = ("S1,BASE,LIVER,TUMIDENT,TARGET,CT,T01,INVESTIGATOR,NA,NA\n"
           "S1,BASE,LYMPH NODE NECK,TUMIDENT,TARGET,CT,T02,INVESTIGATOR,NA,NA\n"
           "S1,BASE,BONE,TUMIDENT,NON-TARGET,CT,NT01,INVESTIGATOR,NA,NA\n")  # fmt: skip


def result(lesion, test, value, unit="mm", visit="BASE", date="2024-03-01", flag="NA"):
    return f"S1,{lesion},{test},{value},{unit},{value},{unit},{visit},INVESTIGATOR,NA,{flag},{date}\n"


@pytest.fixture
def sdtm(tmp_path):
    def read(tr, tu=LESIONS, rs=None, **options):
        (tmp_path / "tu.csv").write_text(TU + tu)
        (tmp_path / "tr.csv").write_text(TR + tr)
        if rs is not None:
            (tmp_path / "rs.csv").write_text(RS + rs)
        options = options or {"day0": {"S1": "2024-03-11"}}
        return read_sdtm_recist(
            tmp_path / "tu.csv", tmp_path / "tr.csv", None if rs is None else tmp_path / "rs.csv", **options
        )

    return read


def test_sdtm_gives_the_diameter_that_counts(sdtm):
    rows = [
        result("T01", "LDIAM", 21.5), result("T01", "LPERP", 20), result("T02", "LPERP", 16),
        result("T02", "LDIAM", 30),
        result("NT01", "TUMSTATE", "PRESENT", "NA"), result("NT01", "TUMSTATE", "PRESENT", "NA"),
        result("T01", "VOLUME", 5), result("T01", "LDIAM", 99, flag="N"),
    ]  # fmt: skip
    lesions, responses, exclusions = sdtm("".join(rows))
    assert lesions.select("lesion", "role", "node", "site", "diameter_mm", "state", "day", "reader").rows() == [
        ("NT01", "nontarget", False, "BONE", None, "present", -10, "INVESTIGATOR"),
        ("T01", "target", False, "LIVER", 21.5, None, -10, "INVESTIGATOR"),
        ("T02", "target", True, "LYMPH NODE NECK", 16.0, None, -10, "INVESTIGATOR"),
    ]
    assert responses.is_empty()
    assert exclusions.select("rule", "rows").rows() == [
        ("TRACPTFL is not Y: not accepted", 1),
        ("a test other than LDIAM, LPERP, DIAMETER, TUMSTATE, LNSTATE", 1),
        ("longest diameter of a lymph node: its short axis counts", 1),
        ("repeats another row", 1),
        ("short axis of a lesion that is no lymph node: its longest diameter counts", 1),
    ]
    assert lesions.height + exclusions["rows"].sum() == len(rows)


def test_sdtm_days_count_from_the_baseline_visit_only_if_asked(sdtm):
    tr = result("T01", "LDIAM", 20) + result("T01", "LDIAM", 10, visit="W6", date="2024-04-12T09:30")
    lesions, responses, _ = sdtm(
        tr, rs="S1,W6,OVRLRESP,PR,INVESTIGATOR,,Y,2024-04-12\nS1,W6,TRGRESP,PR,INVESTIGATOR,,Y,2024-04-12\n",
        baseline_visit="BASE",
    )  # fmt: skip
    assert lesions["day"].to_list() == [0, 42]
    assert responses.select("subject", "day", "reader", "visit", "response").rows() == [
        ("S1", 42, "INVESTIGATOR", "W6", "PR")
    ]


def test_responses_by_other_criteria_and_those_not_done_take_no_part(tmp_path):
    (tmp_path / "tu.csv").write_text(TU + LESIONS)
    (tmp_path / "tr.csv").write_text(TR + result("T01", "LDIAM", 20))
    header = "USUBJID,RSCAT,RSTESTCD,RSORRES,RSSTAT,VISIT,RSEVAL,RSDTC\n"

    def read(*rows):
        (tmp_path / "rs.csv").write_text(header + "".join(f"S1,{row}\n" for row in rows))
        files = (tmp_path / f"{name}.csv" for name in ("tu", "tr", "rs"))
        _, responses, exclusions = read_sdtm_recist(*files, day0={"S1": "2024-03-11"})
        return responses.select("day", "response").rows(), exclusions.select("rule", "rows").rows()

    found = read(
        "RECIST 1.1,OVRLRESP,PR,,W6,INVESTIGATOR,2024-04-22",
        "iRECIST,OVRLRESP,iPR,,W6,INVESTIGATOR,2024-04-22",
        "iRECIST,OVRLRESP,PD,,W12,INVESTIGATOR,2024-06-03",
        "RECIST 1.1,OVRLRESP,,NOT DONE,W18,INVESTIGATOR,2024-07-15",
    )
    assert found == (
        [(42, "PR")],
        [("RSSTAT is NOT DONE", 1), ("a response by iRECIST (RSCAT), not by RECIST", 2)],
    )
    own = read("OVERALL RESPONSE,OVRLRESP,PR,,W6,INVESTIGATOR,2024-04-22")
    assert own == ([(42, "PR")], [])


def test_sdtm_without_a_word_on_day_0_is_refused(tmp_path):
    with pytest.raises(ReadError, match="first infusion is not known"):
        read_sdtm_recist("tu.csv", "tr.csv")


def test_a_new_lesion_that_only_tu_names_is_kept(sdtm):
    new = "S1,W6,BRAIN,TUMIDENT,NEW,MRI,N01,INVESTIGATOR,NA,NA\n"
    lesions, _, _ = sdtm(result("T01", "LDIAM", 20, visit="W6", date="2024-04-12"), tu=LESIONS + new)
    assert lesions.select("lesion", "role", "state", "day").rows() == [
        ("N01", "new", "present", 32),
        ("T01", "target", None, 32),
    ]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_a_new_lesion_that_tu_names_at_several_visits_is_seen_at_each_whatever_the_order_of_rows(sdtm, order):
    visits = [("W6", "2024-04-12"), ("W6", "2024-04-15"), ("W12", "2024-05-24")]  # of W6 a CT and an MRI
    tu = LESIONS + "".join(f"S1,{visits[i][0]},BRAIN,TUMIDENT,NEW,MRI,N1,INVESTIGATOR,NA,NA\n" for i in order)
    tr = "".join(result("T01", "LDIAM", 20, visit=visits[i][0], date=visits[i][1]) for i in order)
    lesions, _, _ = sdtm(tr, tu)
    found = lesions.filter(lesions["lesion"] == "N1").sort("day")
    assert found.select("day", "visit", "state").rows() == [(35, "W6", "present"), (74, "W12", "present")]


@pytest.mark.parametrize(
    ("tr", "words"),
    [
        (result("T01", "LDIAM", 2.1, "cm"), "row 2, column TRSTRESU: a diameter not in mm; found 'cm'; expected mm"),
        (result("T01", "LDIAM", 21, date="2024-03"), "row 2, column TRDTC: not a whole date; found '2024-03'"),
        (result("T01", "LDIAM", 21, date="2024-02-30"), "not a whole date"),
        (result("T01", "LDIAM", 21, date=""), "no date"),
        (
            result("T01", "LDIAM", "small"),
            "a number with a decimal point and without a unit; a lesion too small to measure counts 5 mm",
        ),
        (result("T01", "LDIAM", "inf"), "expected a number"),
        (result("T01", "LDIAM", -3), "expected at least 0"),
        (result("T09", "LDIAM", 21), "TU has no such lesion of this reader"),
        (result("NT01", "TUMSTATE", "BIGGER", "NA"), "unknown tumour state; found 'BIGGER'"),
        (result("T01", "LDIAM", 21) + result("T01", "LDIAM", 22), "row 3, column diameter_mm: two results differ"),
    ],
)
def test_sdtm_rows_that_cannot_be_used_are_refused(sdtm, tr, words):
    with pytest.raises(StudyError) as caught:
        sdtm(tr)
    assert words in str(caught.value)


def test_diameters_and_states_of_nodes_by_either_representation_of_cdisc(sdtm):
    """DIAMETER is the short axis of a node; LNSTATE is the state of one that is no target."""
    tu = LESIONS + "S1,BASE,LYMPH NODE,TUMIDENT,NON-TARGET,CT,NT02,INVESTIGATOR,NA,NA\n"
    rows = [
        result("T01", "DIAMETER", 30), result("T02", "DIAMETER", 16), result("T02", "LNSTATE", "PATHOLOGICAL", "NA"),
        result("NT01", "TUMSTATE", "PRESENT", "NA"), result("NT02", "LNSTATE", "PATHOLOGICAL", "NA"),
        result("NT02", "LNSTATE", "NON-PATHOLOGICAL", "NA", visit="W6", date="2024-04-12"),
    ]  # fmt: skip
    lesions, _, exclusions = sdtm("".join(rows), tu)
    assert lesions.select("day", "lesion", "node", "diameter_mm", "state").rows() == [
        (-10, "NT01", False, None, "present"),
        (-10, "NT02", True, None, "present"),
        (-10, "T01", False, 30.0, None),
        (-10, "T02", True, 16.0, None),
        (32, "NT02", True, None, "absent"),
    ]
    assert exclusions.select("rule", "rows").rows() == [
        ("state of a lymph node that is a target: its short axis counts", 1),
    ]


@pytest.mark.parametrize(("test", "told"), [("SAXIS", "T02: SAXIS"), ("LDIAM", "T02: LDIAM")])
def test_a_lesion_of_whose_rows_none_counts_is_refused(sdtm, test, told):
    """A sum without it would pass for the sum of all targets."""
    with pytest.raises(
        StudyError, match=f"row 3, column TULNKID: no result of this lesion in TR counts; found '{told}'"
    ):
        sdtm(result("T01", "LDIAM", 30) + result("T02", test, 16))


def test_a_scan_that_was_not_done_needs_no_date(tmp_path):
    """CDISC's supplement of RECIST 1.1 has none there; the lesion is not measured at the visit."""
    (tmp_path / "tu.csv").write_text(TU + LESIONS)
    baseline = [result("T01", "LDIAM", 30), result("T02", "LPERP", 16), result("NT01", "TUMSTATE", "PRESENT", "NA")]
    later = [result("T01", "LDIAM", 20, visit="W6", date="2024-04-12")]
    undone = "S1,T02,LPERP,,,,,W6,INVESTIGATOR,NA,NA,,NOT DONE\n"
    rows = [row.strip() + ",\n" for row in (*baseline, *later)]
    (tmp_path / "tr.csv").write_text(TR.strip() + ",TRSTAT\n" + "".join(rows) + undone)
    lesions, _, exclusions = read_sdtm_recist(tmp_path / "tu.csv", tmp_path / "tr.csv", day0={"S1": "2024-03-11"})
    assert lesions.select("day", "lesion").rows() == [(-10, "NT01"), (-10, "T01"), (-10, "T02"), (32, "T01")]
    assert exclusions["rule"].to_list() == ["TRSTAT is NOT DONE, without a date: not measured at the visit"]


def test_a_lesion_that_was_never_measured_is_refused_as_such(tmp_path):
    (tmp_path / "tu.csv").write_text(TU + LESIONS)
    undone = "S1,T02,LPERP,,,,,W6,INVESTIGATOR,NA,NA,,NOT DONE\n"
    (tmp_path / "tr.csv").write_text(TR.strip() + ",TRSTAT\n" + result("T01", "LDIAM", 30).strip() + ",\n" + undone)
    with pytest.raises(StudyError, match="row 3, column TULNKID: .* found 'T02: LPERP NOT DONE, without a date'"):
        read_sdtm_recist(tmp_path / "tu.csv", tmp_path / "tr.csv", day0={"S1": "2024-03-11"})


@pytest.mark.parametrize("dates", [("", "2024-04-12"), ("2024-04-12", "")])
def test_of_two_rows_of_a_new_lesion_at_a_visit_the_one_with_a_date_counts(tmp_path, dates):
    rows = "".join(row + ",\n" for row in LESIONS.splitlines())
    rows += "".join(f"S1,W6,BRAIN,TUMIDENT,NEW,MRI,N1,INVESTIGATOR,NA,NA,{day}\n" for day in dates)
    (tmp_path / "tu.csv").write_text(TU.strip() + ",TUDTC\n" + rows)
    (tmp_path / "tr.csv").write_text(TR + result("T01", "LDIAM", 30))
    lesions, _, _ = read_sdtm_recist(tmp_path / "tu.csv", tmp_path / "tr.csv", day0={"S1": "2024-03-11"})
    assert lesions.filter(lesion="N1").select("day", "visit").rows() == [(32, "W6")]


@pytest.mark.parametrize(("lesion", "test", "found"), [("T02", "LPERP", "16"), ("NT01", "TUMSTATE", "PRESENT")])
def test_a_result_that_was_not_done_is_refused(tmp_path, lesion, test, found):
    (tmp_path / "tu.csv").write_text(TU + LESIONS)
    rows = [result("T01", "LDIAM", 20).strip() + ",\n", result(lesion, test, found).strip() + ",NOT DONE\n"]
    (tmp_path / "tr.csv").write_text(TR.strip() + ",TRSTAT\n" + "".join(rows))
    with pytest.raises(StudyError, match=f"row 3, column TRSTAT: NOT DONE beside a result; found '{found}'"):
        read_sdtm_recist(tmp_path / "tu.csv", tmp_path / "tr.csv", day0={"S1": "2024-03-11"})


def test_a_subject_without_day_0_is_told_once(sdtm):
    with pytest.raises(StudyError) as caught:
        sdtm(result("T01", "LDIAM", 20) + result("T02", "LPERP", 20), day0={"S2": "2024-01-01"})
    assert str(caught.value).count("day 0 of this subject is not known") == 1


def test_a_domain_without_a_column_is_refused(sdtm, tmp_path):
    (tmp_path / "x.csv").write_text("USUBJID,TRLNKID\nS1,T01\n")
    (tmp_path / "tu.csv").write_text(TU + LESIONS)
    with pytest.raises(StudyError, match="TR needs this column"):
        read_sdtm_recist(tmp_path / "tu.csv", tmp_path / "x.csv", day0={})


def test_partial_dates_of_the_real_file_are_refused_by_row(shared_data):
    folder = shared_data / "clinical"
    files = [folder / f"{domain}_onco_recist.csv" for domain in ("tu", "tr", "rs")]
    with pytest.raises(StudyError) as caught:
        read_sdtm_recist(*files, baseline_visit="SCREENING")
    assert {p.found for p in caught.value.problems} == {"'2014-02'"}
    assert len(caught.value.problems) == 9


def test_a_date_without_its_day_is_the_months_last_day_where_that_is_said(shared_data):
    lesions, responses, _ = read_sdtm_recist(
        *(shared_data / "clinical" / f"{domain}_onco_recist.csv" for domain in ("tu", "tr", "rs")),
        baseline_visit="SCREENING",
        partial_dates="last_day",
    )
    # Subject 01-701-1015: screening on 2014-01-02, week 6 in 2014-02, so on 2014-02-28.
    of_visit = lesions.filter(subject="01-701-1015", visit="WEEK 6")
    assert of_visit["day"].unique().to_list() == [57]
    assert responses.filter(subject="01-701-1015", visit="WEEK 6")["day"].unique().to_list() == [57]


def test_a_year_alone_is_refused_without_the_advice_that_was_followed_already(sdtm):
    with pytest.raises(StudyError) as caught:
        sdtm(result("T01", "LDIAM", 21, date="2024"), day0={"S1": "2024-03-11"}, partial_dates="last_day")
    assert "found '2024'; expected YYYY-MM-DD, or YYYY-MM; give the day of the scan" in str(caught.value)
    assert "partial_dates" not in str(caught.value)


@pytest.mark.parametrize(
    ("tu_visit", "tr_rows", "state"),
    [
        ("W6", ["TUMSTATE,,NOT DONE"], "not_evaluable"),
        ("W6", ["LDIAM,,NOT DONE"], "not_evaluable"),
        ("W6", ["LDIAM,,NOT DONE", "TUMSTATE,,"], "not_evaluable"),
        ("W6", ["LDIAM,,NOT DONE", "TUMSTATE,PRESENT,"], "present"),
        ("W12", ["LDIAM,,NOT DONE"], None),  # TU names it there: seen, and not measured
    ],
)
def test_a_new_lesion_without_a_result_is_not_evaluable_where_tu_does_not_name_it(tmp_path, tu_visit, tr_rows, state):
    header = "USUBJID,TRLNKID,TRTESTCD,TRORRES,TRSTAT,VISIT,TRDTC\n"
    rows = ["S1,N1,TUMSTATE,EQUIVOCAL,,W6,2024-04-12", *(f"S1,N1,{row},W12,2024-05-24" for row in tr_rows)]
    (tmp_path / "tr.csv").write_text(header + "\n".join(rows))
    (tmp_path / "tu.csv").write_text(f"USUBJID,VISIT,TUTESTCD,TUORRES,TULNKID\nS1,{tu_visit},TUMIDENT,NEW,N1\n")
    lesions, _, _ = read_sdtm_recist(tmp_path / "tu.csv", tmp_path / "tr.csv", day0={"S1": "2024-03-11"})
    assert lesions.select("day", "state").rows() == [(32, "equivocal"), (74, state)]


def test_a_date_that_stands_for_none_is_told_with_its_row(sdtm):
    with pytest.raises(StudyError, match="row 3, column TRDTC: not a whole date; found '9999-12-31'"):
        sdtm(result("T01", "LDIAM", 20) + result("T02", "LPERP", 16, date="9999-12-31"))
    with pytest.raises(StudyError, match="day 0 of subject S1 is not a whole date; found '9999-12-31'"):
        sdtm(result("T01", "LDIAM", 20), day0={"S1": "9999-12-31"})
