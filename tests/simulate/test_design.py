import pytest

from tilseq.errors import StudyError
from tilseq.simulate.design import (
    BLOOD_VISITS,
    BatchShift,
    CloneInBaseline,
    Confounders,
    ConvergentClones,
    DepthByVisit,
    Design,
    FailedLibrary,
    IndexHopping,
    PublicClone,
    SwappedPair,
    read_design,
    targets,
    visit_day,
    window,
)
from tilseq.simulate.folder import texts

EVERY = Confounders(
    failed_library=FailedLibrary(),
    swapped_pair=SwappedPair(),
    index_hopping=IndexHopping(),
    public_clone=PublicClone(),
    convergent_clones=ConvergentClones(),
    clone_in_baseline=CloneInBaseline(),
    batch_shift=BatchShift(),
    depth_by_visit=DepthByVisit(),
)


@pytest.fixture
def written(tmp_path):
    """Return a function that writes a design and returns its path."""

    def write(text):
        path = tmp_path / "design.yaml"
        path.write_text(text)
        return path

    return write


def problems(path, given=None):
    with pytest.raises(StudyError) as refused:
        read_design(path, given)
    return [str(problem).replace(str(path), "design.yaml") for problem in refused.value.problems]


def test_the_default_is_the_sample_schedule():
    design = read_design()
    assert design == Design()
    assert design.visits == ["baseline", "D0", "D7", "D14", "D28", "D42", "D84", "D180"]
    assert design.assays == ["flow", "ics", "cytokine", "tcr", "bcr", "scrna", "bulk_rna", "clinic"]
    assert (design.seed, design.subjects, design.depth, design.cells) == (1, 4, 20_000, 20_000)
    assert all(confounder is None for _, confounder in design.confounders)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("subject: 4\n", "row 1, column subject: no such setting; did you mean 'subjects'?"),
        (
            "seed: 3\nsubjects: 0\n",
            "row 2, column subjects: this value cannot stand here; found 0; expected greater than or equal to 1",
        ),
        ("depth: 1.5\n", "row 1, column depth: this value cannot stand here; found 1.5; expected a whole number"),
        (
            "memory_clones: 199\n",
            "row 1, column memory_clones: this value cannot stand here; found 199; "
            "expected greater than or equal to 200",
        ),
        ("visits: [baseline, D07]\n", "row 1, column visits: there is no visit 'D07'; did you mean 'D7'?"),
        (
            "seed: 1\nvisits:\n  - basline\n  - D7\n",
            "row 2, column visits: there is no visit 'basline'; did you mean 'baseline'?",
        ),
        (
            "visits: [D401]\n",
            "row 1, column visits: there is no visit 'D401'; write baseline, or D and a day up to 400",
        ),
        ("visits: [D7, D14, D7]\n", "row 1, column visits: a visit is named twice"),
        (
            "visits: []\n",
            "row 1, column visits: this value cannot stand here; found 'a list'; "
            "expected at least 1 item after validation, not 0",
        ),
        (
            "assays:\n  - tcr\n  - bulkrna\n",
            "row 3, column assays.1: this value cannot stand here; found 'bulkrna'; "
            "expected 'flow', 'ics', 'cytokine', 'tcr', 'bcr', 'scrna', 'bulk_rna' or 'clinic'; "
            "did you mean 'bulk_rna'?",
        ),
        (
            "flavor: umis\n",
            "row 1, column flavor: this value cannot stand here; found 'umis'; expected 'gdna', 'umi' or 'reads'; "
            "did you mean 'umi'?",
        ),
        (
            "ics: {visits: [D28, tumor]}\n",
            "row 1, column ics.visits: there is no visit 'tumor'; write baseline, or D and a day up to 400",
        ),
        ("ics: {stimuli: [PMA/ionomycin, PMA/ionomycin]}\n", "row 1, column ics.stimuli: each stimulus once"),
        (
            "ics: {stimuli: [autologous tumor]}\n",
            "row 1, column ics.stimuli.0: this value cannot stand here; found 'autologous tumor'; "
            "expected 'autologous tumour' or 'PMA/ionomycin'; did you mean 'autologous tumour'?",
        ),
        (
            "confounders:\n  swaped_pair: {}\n",
            "row 2, column confounders.swaped_pair: no such setting; did you mean 'swapped_pair'?",
        ),
        (
            "confounders:\n  swapped_pair:\n    sample: [a, b]\n",
            "row 3, column confounders.swapped_pair.sample: no such setting; did you mean 'samples'?",
        ),
        (
            "confounders:\n  index_hopping:\n    rate: 1\n",
            "row 3, column confounders.index_hopping.rate: this value cannot stand here; found 1; expected less than 1",
        ),
        (
            "confounders: {convergent_clones: {clones: 50, share: 0.5}}\n",
            "row 1, column confounders.convergent_clones.share: this value cannot stand here; found 0.5; "
            "expected less than or equal to 0.01",
        ),
        (
            "confounders: {batch_shift: {log_shift: 1e400}}\n",
            "row 1, column confounders.batch_shift.log_shift: this value cannot stand here; found inf; "
            "expected less than or equal to 5",
        ),
        (
            "confounders: {failed_library: SIM-01_D7_tcr}\n",
            "row 1, column confounders.failed_library: this value cannot stand here; found 'SIM-01_D7_tcr'; "
            "expected names with values below them",
        ),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_place(written, text, problem):
    assert problems(written(text)) == [f"design.yaml, {problem}"]


def test_all_faults_of_file_and_options_are_told_at_once(written):
    assert problems(written("seed: -1\nsubjects: x\n"), {"cells": 0}) == [
        "design.yaml, row 1, column seed: this value cannot stand here; found -1; "
        "expected greater than or equal to 0",
        "design.yaml, row 2, column subjects: this value cannot stand here; found 'x'; expected a whole number",
        "option --cells: this value cannot stand here; found 0; expected greater than or equal to 1",
    ]  # fmt: skip


def test_a_fault_of_an_option_is_told_by_the_option():
    assert problems(None, {"single_cells": 0, "visits": ["D0", "D1", "D2"]}) == [
        "option --visits: visits whose windows are apart; those of D1 and D2 overlap",
        "option --single-cells: this value cannot stand here; found 0; expected greater than or equal to 1",
    ]


def test_a_file_that_holds_no_settings_is_refused(written, tmp_path):
    assert problems(written("")) == [
        "design.yaml: no settings stand here; expected settings such as `subjects: 4`",
    ]
    with pytest.raises(StudyError, match="cannot read"):
        read_design(tmp_path / "none.yaml")


def test_options_count_for_more_than_the_file(written):
    path = written("seed: 7\nsubjects: 2\nconfounders: {clone_in_baseline: {}}\n")
    made = read_design(path, {"subjects": 9, "visits": ["D7"]})
    assert made == Design(
        seed=7, subjects=9, visits=["D7"], confounders=Confounders(clone_in_baseline=CloneInBaseline())
    )
    # A confounder adds to those of the file, whose settings stay.
    path = written("confounders: {clone_in_baseline: {share: 0.3}}\n")
    made = read_design(path, {"confounders": {"public_clone": {}, "clone_in_baseline": {}}})
    assert made.confounders == Confounders(public_clone=PublicClone(), clone_in_baseline=CloneInBaseline(share=0.3))


@pytest.mark.parametrize("text", ["{public_clone: }", "{public_clone: {}}", "[public_clone]"])
def test_a_confounder_is_on_when_it_is_named(written, text):
    assert read_design(written(f"confounders: {text}\n")).confounders == Confounders(public_clone=PublicClone())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("visits: [D6, D7]", "those of D6 and D7 overlap"),
        ("visits: [D0, D1, D2]", "those of D1 and D2 overlap"),
        ("assays: [tcr, tcr]", "each assay once"),
        ("confounders: {swapped_pair: {samples: [SIM-01_D7_tcr, SIM-01_D7_tcr]}}", "two different samples"),
        ("confounders: {index_hopping: {source: SIM-01_D7_tcr, into: SIM-01_D7_tcr}}", "two different samples"),
    ],
)
def test_what_contradicts_itself_is_refused(written, text, told):
    with pytest.raises(StudyError, match=told):
        read_design(written(f"{text}\n"))


def test_a_visit_of_scans_has_one_window():
    assert [window(name) for name in ("D126", "D168", "D336", "D84", "D1", "D2", "D56")] == [7, 7, 14, 7, 0, 1, 5]


def test_a_confounder_keeps_the_defaults_that_are_not_named(written):
    made = read_design(written("confounders:\n  index_hopping:\n    rate: 0.01\n"))
    assert made.confounders.index_hopping == IndexHopping(source="SIM-01_D7_tcr", into="SIM-02_D7_tcr", rate=0.01)


@pytest.mark.parametrize(
    "design",
    [
        Design(),
        Design(confounders=EVERY, flavor="reads", replicates=3),
        Design(
            seed=10**18 - 1,
            subjects=1,
            visits=["D400", "baseline"],
            assays=["clinic"],
            cells_per_template=1e-7,
            confounders=Confounders(public_clone=PublicClone(subject="SIM-11", share=1e-9)),
        ),
    ],
)
def test_the_design_that_a_study_keeps_is_the_design(written, design):
    assert read_design(written(texts.design(design))) == design


def test_visits_may_stand_on_any_day():
    assert [visit_day(name) for name in ("baseline", "D0", "D9", "D400")] == [-10, 0, 9, 400]
    # A tenth of the day where none is agreed.
    assert [window(name) for name in ("baseline", "D0", "D7", "D84", "D9", "D59", "D400")] == [4, 0, 2, 7, 1, 5, 40]
    assert all(visit_day(name) == day for name, (day, _) in BLOOD_VISITS.items())
    for name in ("D", "d7", "D-1", "D1000", "D7 ", "7", "product", ""):
        with pytest.raises(ValueError, match="there is no visit"):
            visit_day(name)


def test_targets_are_what_confounders_concern():
    assert targets(EVERY) == [
        ("failed_library", "sample", "SIM-02_D28_tcr"),
        ("swapped_pair", "sample", "SIM-03_D7_tcr"),
        ("swapped_pair", "sample", "SIM-04_D7_tcr"),
        ("index_hopping", "sample", "SIM-01_D7_tcr"),
        ("index_hopping", "sample", "SIM-02_D7_tcr"),
        ("public_clone", "subject", "SIM-01"),
        ("convergent_clones", "subject", "SIM-01"),
        ("clone_in_baseline", "subject", "SIM-02"),
        ("batch_shift", "subject", "SIM-03"),
        ("batch_shift", "visit", "D28"),
    ]
    assert targets(Confounders()) == []
