import pytest

from tilseq.study.clinical import check_deaths
from tilseq.study.notes import named, note_infusions
from tilseq.study.read import examine, read_study
from tilseq.study.summary import summary


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        ({}, []),
        (
            {"infusions.csv": ("007,1,0,L2\n", "")},
            ["no infusion of '007': their days count from a day 0 not on record"],
        ),
        ({"subjects.csv": ("S01,", "S02,other,,\nS01,")}, ["no sample of 'S02'"]),
        (
            {"subjects.csv": ("S01,", "7,other,,\nS01,"), "samples.csv": ("S01_base,S01", "S01_base,7")},
            [
                "no infusion of '7': their days count from a day 0 not on record",
                "subjects told apart by leading zeros or blanks alone, which a spreadsheet may have taken from a row: "
                "'7', '007'",
            ],
        ),
        ({"samples.csv": ("D28,29", "D28,32")}, ["outside the visit's window: '007_D28 (day 32, D28 is 28±3)'"]),
        ({"samples.csv": ("D28,29", "D28,31")}, []),
        (
            {"samples.csv": ("baseline,-8", "baseline,8"), "study.yaml": ("{day: -7, window: 3}", "{day: -7}")},
            [
                "on the other side of the infusion than their visit, as where a minus was lost: "
                "'S01_base (day 8, baseline is -7)'"
            ],
        ),
        ({"samples.csv": ("D28,29", "D28,90"), "study.yaml": ("{day: 28, window: 3}", "{day: 28}")}, []),
        (
            {"samples.csv": ("D28,29,blood", "product,0,blood")},
            ["taken on a day of infusion, `timing` (pre or post) not given: '007_D28'"],
        ),
        ({"raw/e.fcs": ""}, ["empty files, their samples will fail: 'raw/e.fcs'"]),
        ({"plates/p1.csv": "plate,well,path,role\n"}, []),
        (
            {"plates/p1.csv": "plate,well,path,role,kit\nP,A1,wells/w.fcs,control,multiplex\n", "wells/w.fcs": ""},
            ["empty files, their samples will fail: 'wells/w.fcs'"],
        ),
        (
            {
                "plates/p1.csv": "plate,well,path,role,kit\nP,A1,wells/w.fcs,blank,multiplx\nP,A2,wells/x.fcs,blank,\n",
                **{f"wells/{name}": name for name in ("w.fcs", "x.fcs", "stray.fcs", "notes.txt", ".hidden.fcs")},
            },
            [
                "plate 'P' will fail: plates/p1.csv, row 2, column kit: no such kit; found 'multiplx'; expected "
                "cba_6plex, multiplex, tgfb1_singleplex, two_size_13plex; did you mean 'multiplex'? (1 more such)",
                "files beside the wells that no table names, which take no part: 'wells/stray.fcs'",
            ],
        ),
        (
            {
                "clinical/labs.csv": "subject,day,test\nS01,1,pH\n",
                "clinical/therapies.csv": "subject,therapy,start_day\n",
            },
            [
                "results of clinical/labs.csv are not graded: study.yaml names no version of the CTCAE "
                "(analysis.clinical.ctcae: 5 or 6)"
            ],
        ),
        (
            {
                "samples.csv": (
                    "S01_base,S01,baseline,-8,blood,flow,raw/a.fcs,tcell",
                    "S01_base,S01,baseline,-8,plasma,cytokine,raw/a.fcs,",
                )
            },
            ["cytokine samples on no plate, which are not analysed: 'S01_base'"],
        ),
        (
            {"clinical/adverse_events.csv": "subject,term,grade,serious,related\nS01,fever,2,,no\n"},
            [
                "clinical/adverse_events.csv records of no event: serious, immune_related; such a class has no number",
            ],
        ),
        (
            {"infusions.csv": "subject,infusion,day,lot,cells\nS01,1,0,L1,5e10\n007,1,0,L2,\n"},
            ["columns that are filled and that no result uses: infusions.csv cells"],
        ),
        # Scans tell who the subjects are, by arm too; without any nothing does.
        ({"subjects.csv": "subject,tumor_type,arm,age,sex\nS01,melanoma,A,50,male\n007,cervical,B,60,female\n"}, []),
        (
            {
                "subjects.csv": "subject,tumor_type,arm,age,sex\nS01,melanoma,A,50,male\n007,cervical,B,60,female\n",
                "clinical/lesions.csv": "subject,day,lesion,role,diameter_mm\n",
                "clinical/responses.csv": "subject,day,response\n",
            },
            ["columns that are filled and that no result uses: subjects.csv arm; subjects.csv age; subjects.csv sex"],
        ),
        # Libraries of expression are held against the sex that is recorded.
        (
            {
                "subjects.csv": "subject,tumor_type,sex\nS01,melanoma,male\n007,cervical,female\n",
                "samples.csv": "sample,subject,visit,day,specimen,assay,path\n"
                "S01_rna,S01,baseline,-8,blood,bulk_rna,raw/b.tsv\n",
                "clinical/lesions.csv": "subject,day,lesion,role,diameter_mm\n",
                "clinical/responses.csv": "subject,day,response\n",
            },
            ["no sample of '007'"],
        ),
        # Leaks are sought within a run of sequencing; cells infused weigh the lots of a mark.
        (
            {
                "samples.csv": "sample,subject,visit,day,specimen,assay,path,run,marked_population\n"
                "S01_base,S01,baseline,-8,blood,flow,raw/a.fcs,,TCR Vb2\n"
                "S01_prod,S01,product,,infusion_product,tcr,raw/b.tsv,run1,\n",
                "infusions.csv": "subject,infusion,day,lot,cells\nS01,1,0,L1,5e10\n007,1,0,L2,\n",
            },
            ["no sample of '007'"],
        ),
        # The mark of a repertoire tells how its cells were sorted, and weighs no lots.
        (
            {
                "samples.csv": "sample,subject,visit,day,specimen,assay,path,marked_population\n"
                "S01_base,S01,baseline,-8,blood,flow,raw/a.fcs,\n"
                "S01_prod,S01,product,,infusion_product,tcr,raw/b.tsv,CD8+ T\n",
                "infusions.csv": "subject,infusion,day,lot,cells\nS01,1,0,L1,5e10\n007,1,0,L2,\n",
            },
            ["no sample of '007'", "columns that are filled and that no result uses: infusions.csv cells"],
        ),
        ({"samples.csv": ("S01_D28", '"S01\nD28"')}, [r"a line break inside an identifier: 'S01\nD28'"]),
    ],
)
def test_notes(make_study, changes, notes):
    assert read_study(make_study(changes)).notes == notes


def test_words_for_missing_values_are_told_to_be_names(make_study):
    study = make_study({"infusions.csv": ("L2", "NA")})
    told = "taken for names; leave cells without a value empty: infusions.csv lot (NA)"
    assert read_study(study).notes == [told]
    assert read_study(study).infusions["lot"].to_list() == ["L1", "L1", "NA"]


def test_a_subject_that_designs_take_for_missing_is_told(make_study):
    names = {"subjects.csv": ("007,", "NA,"), "infusions.csv": ("007,", "NA,")}
    study = make_study(names | {"samples.csv": ("007_D28,007,D28,29,blood,flow", "007_D28,NA,D28,29,blood,bulk_rna")})
    told = "expression of 'NA' takes no part in summed cells and contrasts: the name means a missing value"
    assert told in read_study(study).notes


def test_a_lot_of_two_subjects_and_a_missing_infusion_are_told(make_study):
    assert read_study(make_study({"infusions.csv": ("007,1,0,L2", "007,1,0,L1")})).notes == [
        "lots of several subjects by their names, while each is grown from a subject's own cells: 'L1 (S01, 007)'"
    ]
    own = make_study({"infusions.csv": "subject,infusion,day,lot\nS01,1,0,A\nS01,2,14,A\n007,1,0,A\n"})
    assert not any("several subjects" in note for note in read_study(own).notes)
    assert read_study(make_study({"infusions.csv": ("S01,2,14,L1", "S01,3,14,L1")})).notes == [
        "infusions are not numbered 1, 2 and on, as where a row is missing: 'S01'"
    ]


def test_timing_without_an_infusion(make_study):
    rows = "sample,subject,visit,day,timing,specimen,assay,path,lot\n"
    rows += "a,S01,D28,28,pre,blood,flow,raw/a.fcs,\nb,S01,product,14,post,blood,flow,raw/b.tsv,\n"
    rows += "c,007,product,14,,infusion_product,flow,raw/c.tsv,L3\n"
    assert read_study(make_study({"samples.csv": rows})).notes == [
        "lots sampled but not in infusions.csv, where each that was given is to stand: 'L3 (007)'",
        "`timing` given but no infusion on that day: 'a'",
    ]


def test_roles_and_columns_that_no_analysis_reads(make_study):
    rows = "sample,subject,visit,specimen,assay,path,role,beads_per_tube,cells,input_ng,panel\n"
    rows += "a,S01,baseline,blood,flow,raw/a.fcs,sample,50000,900,,tcell\n"
    rows += "b,S01,D28,blood,tcr,raw/b.tsv,,,900,50,\nc,S01,D28,blood,flow,raw/e.fcs,fmo,50000,,,\n"
    rows += "d,S01,D28,blood,bcr,raw/c.tsv,blank,,,50,tcell\n"
    rows += "f,007,D28,blood,flow,raw/f.fcs,blank,,,,tcell\n"  # it sets limits of blank
    rows += "e,007,D28,blood,bcr,raw/d.tsv,,,900,50,tcell\n"
    assert read_study(make_study({"samples.csv": rows, "raw/f.fcs": "file f"})).notes == [
        "role fmo is not analysed: 'c'",
        "role blank is not analysed: 'd'",
        "no tcr sample of infusion_product (analysis.repertoire.reference) of 'S01': no clones are followed",
        "columns that are filled and that no result uses: samples.csv panel of bcr; samples.csv cells of flow; "
        "samples.csv input_ng of bcr",
    ]


def test_blanks_that_limit_no_tube(make_study):
    rows = "sample,subject,visit,specimen,assay,path,role,panel,batch\n"
    rows += "a,S01,baseline,blood,flow,raw/a.fcs,,tcell,1\nb,S01,D28,blood,flow,raw/e.fcs,blank,tcell,1\n"
    rows += "c,007,D28,blood,flow,raw/f.fcs,blank,tcell,2\nd,007,product,infusion_product,flow,raw/c.tsv,blank,,\n"
    assert read_study(make_study({"samples.csv": rows, "raw/f.fcs": "file f"})).notes == [
        "blank tubes of a panel, instrument and batch that no other tube has limit nothing: 'c', 'd'",
    ]


def test_a_repertoire_without_a_sample_of_the_reference(make_study):
    rows = "sample,subject,visit,specimen,assay,path\n"
    rows += "a,S01,product,infusion_product,tcr,raw/b.tsv\nb,S01,D28,blood,tcr,raw/c.tsv\n"
    rows += "c,007,D28,blood,tcr,raw/d.tsv\nd,007,product,infusion_product,flow,raw/a.fcs\n"
    told = "no tcr sample of {} (analysis.repertoire.reference) of {}: no clones are followed"
    assert read_study(make_study({"samples.csv": rows})).notes == [told.format("infusion_product", "'007'")]
    tumor = "  product: {day: 0}\nanalysis: {repertoire: {reference: tumor}}\n"
    settings = "study: demo\nvisits:\n  D28: {day: 28}\n" + tumor
    notes = read_study(make_study({"samples.csv": rows, "study.yaml": settings})).notes
    assert notes == [told.format("tumor", "'S01', '007'")]


def test_stimulated_tubes_are_analysed_but_not_by_a_persons_gates(make_study):
    rows = "sample,subject,visit,specimen,assay,path,role,stimulus,panel\n"
    rows += "a,S01,D28,blood,flow,raw/a.fcs,stimulated,PMA,tcell\nb,S01,D28,blood,flow,raw/b.tsv,unstimulated,,\n"
    rows += "c,007,D28,blood,flow,raw/c.tsv,,PMA,\n"
    settings = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\npanels: {tcell: {}}\n"
    files = {"samples.csv": rows, "study.yaml": settings + "gates: {tcell: {file: raw/d.tsv}}\n"}
    assert read_study(make_study(files)).notes == [
        "a person's gates are not used of stimulated and unstimulated tubes: 'a'",
        "columns that are filled and that no result uses: samples.csv stimulus",
    ]


def test_a_person_who_gated_some_tubes_of_a_subject(make_study):
    rows = "sample,subject,visit,specimen,assay,path,panel\n"
    rows += "a,S01,baseline,blood,flow,raw/a.fcs,tcell\nb,S01,D28,blood,flow,raw/e.fcs,tcell\n"
    rows += "c,007,D28,blood,flow,raw/f.fcs,tcell\nd,007,product,infusion_product,flow,raw/c.tsv,other\n"
    settings = "study: d\nvisits: {baseline: {day: -7}, product: {day: 0}, D28: {day: 28}}\n"
    settings += "panels: {tcell: {}, other: {}}\n"
    files = {"samples.csv": rows, "raw/f.fcs": "file f"}
    mixed = settings + "gates: {a: {file: raw/d.tsv}, c: {file: raw/d.tsv}}\n"
    assert read_study(make_study({**files, "study.yaml": mixed})).notes == [
        "a person gated some tubes of one panel and not the others, so that a course may be one of gates: 'S01'",
    ]


def test_the_tubes_of_a_panel_that_a_person_gated_are_alike(make_study):
    rows = "sample,subject,visit,specimen,assay,path,panel\n"
    rows += "a,S01,baseline,blood,flow,raw/a.fcs,tcell\nb,S01,D28,blood,flow,raw/e.fcs,tcell\n"
    settings = "study: d\nvisits: {baseline: {day: -7}, D28: {day: 28}}\npanels: {tcell: {}}\n"
    files = {"samples.csv": rows, "study.yaml": settings + "gates: {tcell: {file: raw/d.tsv}}\n"}
    assert read_study(make_study(files)).notes == ["no sample of '007'"]


def test_a_file_that_looks_like_another_assays(make_study):
    header = "v_call\tj_call\tjunction\tjunction_aa\tduplicate_count\n"
    clonotypes = {"raw/e.fcs": header + "TRBV1\tTRBJ1\tTGT\tCF\t1\n", "raw/b.tsv": "FCS3.1 1"}
    rows = "sample,subject,visit,day,specimen,assay,path\n"
    rows += "one,007,D28,29,blood,flow,raw/e.fcs\ntwo,007,D28,29,blood,tcr,raw/b.tsv\n"
    notes = read_study(make_study({**clonotypes, "samples.csv": rows})).notes
    told = "files that look like another assay's, their samples will fail: "
    assert [note for note in notes if note.startswith(told)] == [
        f"{told}one (flow, its file looks like tcr), two (tcr, its file looks like flow)"
    ]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        ("5000,50", ["e (beads_per_tube 5000, mostly 50000)"]),  # a zero was lost
        ("51000,500", ["e (sample_volume_ul 500, mostly 50)"]),
        ("150000,150", []),  # three times as much may be so
        (",", []),
    ],
)
def test_an_amount_far_from_that_of_tubes_alike(make_study, last, told):
    rows = "sample,subject,visit,day,specimen,assay,path,panel,beads_per_tube,sample_volume_ul\n"
    tubes = zip("abcd", ("a.fcs", "b.tsv", "c.tsv", "d.tsv"), ("blood",) * 3 + ("infusion_product",), strict=True)
    for day, (name, file, specimen) in enumerate(tubes, start=26):
        rows += f"{name},S01,D28,{day},{specimen},flow,raw/{file},tcell,{50000 if specimen == 'blood' else 500},50\n"
    rows += f"e,007,D28,28,blood,flow,raw/e.fcs,tcell,{last}\n"
    notes = read_study(make_study({"samples.csv": rows})).notes
    found = [note for note in notes if "amounts" in note]
    assert found == [f"amounts that cells per µL rest on, far from those of tubes alike: '{one}'" for one in told]


def test_scans_and_responses_outside_the_window_of_their_visit(make_study):
    """Days in weeks: D28 on day 4; what has no visit, or one that is not planned, is of no window."""
    header = "subject,day,visit,reader,lesion,role,diameter_mm\n"
    lesions = header + "S01,4,D28,r1,T1,target,20\nS01,4,D28,r1,T2,target,20\nS01,31,,r1,T1,target,20\n"
    responses = "subject,day,visit,reader,response\nS01,4,D28,r1,SD\n007,9,unscheduled,r1,SD\n"
    notes = read_study(make_study({"clinical/lesions.csv": lesions, "clinical/responses.csv": responses})).notes
    assert [note for note in notes if "window" in note] == [
        "outside the visit's window: 'S01 in clinical/lesions.csv (day 4, D28 is 28±3)', "
        "'S01 in clinical/responses.csv (day 4, D28 is 28±3)'"
    ]


def test_scans_have_the_window_of_the_schedule(make_study):
    """Days in weeks passed where study.yaml had no window and the schedule did; of samples it tells nothing."""
    tables = {
        "study.yaml": ("D28: {day: 28, window: 3}", "D28: {day: 28}"),
        "clinical/schedule.csv": "visit,day,window\nD28,28,5\n",
        "clinical/lesions.csv": "subject,day,visit,lesion,role,diameter_mm\nS01,4,D28,T1,target,20\n",
        "clinical/responses.csv": "subject,day,visit,response\nS01,33,D28,SD\n",
        "samples.csv": ("D28,29", "D28,90"),
    }
    told = ["outside the visit's window: 'S01 in clinical/lesions.csv (day 4, D28 is 28±5)'"]
    assert [note for note in read_study(make_study(tables)).notes if "window" in note] == told
    unplanned = tables | {"clinical/schedule.csv": "visit,day,window\nD28,28,\n"}
    assert not [note for note in read_study(make_study(unplanned)).notes if "window" in note]


def test_beads_that_no_tube_holds(make_study):
    rows = "sample,subject,visit,specimen,assay,path,beads_per_tube,sample_volume_ul\n"
    rows += "a,S01,D28,blood,flow,raw/a.fcs,50000000,50\nb,007,D28,blood,flow,raw/e.fcs,50000,0.1\n"
    notes = read_study(make_study({"samples.csv": rows})).notes
    assert notes == [
        "beads or µL that hardly any tube holds, as in another unit: 'a (beads_per_tube 50,000,000 (usually 1,000 "
        "to 1,000,000))', 'b (sample_volume_ul 0.1 (usually 5 to 5,000))'"
    ]


def test_subjects_of_whom_nobody_knows_if_they_live(make_study):
    rows = "subject,last_alive_day\n007,90\n"
    (note,) = [note for note in read_study(make_study({"clinical/followup.csv": rows})).notes if "followup" in note]
    assert note == "no row in clinical/followup.csv of 'S01': no survival or other time of theirs can be told"
    empty = read_study(make_study({"clinical/followup.csv": "subject,last_alive_day\n"})).notes
    assert not [note for note in empty if "followup" in note]


def test_many_names():
    assert named(list("aabcdefg")) == "'a', 'b', 'c', 'd', 'e' and 2 more"


def test_a_study_tells_of_infusions_of_no_cells(make_study):
    rows = "subject,infusion,day,lot,cells\nS01,1,0,L1,5e10\nS01,2,14,L1,0\n007,1,0,L2,0\n"
    folder = examine(make_study({"infusions.csv": rows}))
    assert summary(folder)[1] == "1 infusion of 1 subject"
    assert note_infusions(folder) == ["rows of infusions.csv with 0 cells are no infusions: 'S01', '007'"]
    dead = "subject,last_alive_day,death_day,death_cause\nS01,9,9,tumor\n007,30,,\n"
    folder = examine(make_study({"infusions.csv": rows, "clinical/followup.csv": dead}))
    assert check_deaths(folder) == []
