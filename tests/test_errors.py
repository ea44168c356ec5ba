import pickle

from tilseq.errors import ReadError, StudyError, TableError, TilseqError, did_you_mean, first_few, in_lines, shown


def test_an_error_tells_place_finding_and_mend_in_one_line():
    error = TableError(
        "this value cannot stand here",
        file="subjects.csv",
        row=3,
        column="tumor_type",
        found="melonoma",
        expected="melanoma, other",
        mend="did you mean 'melanoma'?",
    )
    assert str(error) == (
        "subjects.csv, row 3, column tumor_type: this value cannot stand here; found 'melonoma'; "
        "expected melanoma, other; did you mean 'melanoma'?"
    )


def test_an_error_survives_the_way_between_processes():
    error = ReadError("cut", file="a.fcs", byte=12, found=3, expected="10 bytes")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is ReadError
    assert copy.as_dict() == error.as_dict()
    study = pickle.loads(pickle.dumps(StudyError([error])))
    assert str(study) == str(StudyError([error]))


def test_a_study_error_tells_every_problem():
    text = str(StudyError([ReadError("empty", file="a.csv"), ReadError("cut", file="b.csv")]))
    assert text == "a.csv: empty\nb.csv: cut\n2 problems in the study"


def test_found_values_are_one_short_line():
    assert shown("a\nb") == "'a\\nb'"
    assert len(shown("x" * 500)) == 80


def test_did_you_mean_keeps_the_spelling_of_the_known_word():
    assert did_you_mean("cd3", ["CD3", "CD8"]) == "did you mean 'CD3'?"
    assert did_you_mean("F", ["female", "male"]) == "did you mean 'female'?"
    assert did_you_mean("zebra", ["CD3", "CD8"]) is None
    assert did_you_mean("", ["CD3"]) is None


def test_of_many_names_the_first_few_are_listed():
    assert first_few([], 2) == ""
    assert first_few(["a", "b"], 2) == "a, b"
    assert first_few(["a", "b", "c", "d"], 2) == "a, b and 2 more"


def test_a_problem_of_many_rows_does_not_hide_the_others():
    dates = [TableError("no date", file="labs.csv", row=row, column="date", found="x") for row in range(2, 3002)]
    other = TableError("no such subject", file="labs.csv", row=7, column="subject", found="S9")
    error = StudyError([*dates, other])
    lines = str(error).splitlines()
    assert lines[19:] == [
        "labs.csv, row 21, column date: no date; found 'x'",
        "labs.csv, column date: no date, 2,980 times more",
        "labs.csv, row 7, column subject: no such subject; found 'S9'",
        "3001 problems in the study",
    ]
    assert len(error.problems) == 3001 and len(error.as_dict()["what"].splitlines()) == 3002
    assert in_lines([TilseqError("odd")] * 21)[20] == "odd, 1 time more"
