import pytest

from tilseq.gates import Channel, Range, RectangleGate
from tilseq.io.fcs_write import write_fcs
from tilseq.io.gatingml import write_gatingml
from tilseq.steps.flow_headers import names_of_no_gate, tube_headers, unlike_their_panel
from tilseq.study import read_study

START = "study: d\nvisits: {baseline: {day: -7}, D28: {day: 28}}\n"
SAMPLES = "sample,subject,visit,specimen,assay,path,panel,role,marked_population\n"
CHANNELS = ["FSC-A", "SSC-A", "B1-A", "B2-A", "R1-A"]
STAINS = ["CD3", "CD4", "CD8"]


@pytest.fixture
def told(tmp_path):
    """What headers tell of a study of tubes T0 and T1 of panel t with these $PnS; without any they are no FCS files."""

    def of(settings, *stains, mark="", role="sample"):
        rows = [
            f"T{k},S01,{visit},blood,flow,raw/{k}.fcs,t,{role},{mark}" for k, visit in enumerate(("baseline", "D28"))
        ]
        for name, text in (
            ("study.yaml", START + settings),
            ("subjects.csv", "subject,tumor_type\nS01,melanoma\n"),
            ("infusions.csv", "subject,infusion,day\nS01,1,0\n"),
            ("samples.csv", SAMPLES + "\n".join(rows) + "\n"),
        ):
            (tmp_path / name).write_text(text)
        (tmp_path / "raw").mkdir(exist_ok=True)
        for k, of_tube in enumerate(stains or ((), ())):
            path = tmp_path / f"raw/{k}.fcs"
            path.write_text(f"no tube {k}")
            if of_tube:
                write_fcs(path, [[1.0, 2.0, 3.0, 4.0, 5.0 + k]], CHANNELS, markers=["", "", *of_tube])
        study = read_study(tmp_path)
        return unlike_their_panel(study, tube_headers(study))

    return of


def test_tubes_that_fit_their_panel_are_not_told(told):
    panel = "panels: {t: {markers: {CD3: [B1-A], CD39: [absent, R1-A]}}}\n"
    assert told(panel, ["CD3", "CD4", "x"], ["CD3", "CD4", "y"]) == []


def test_a_panel_that_contradicts_the_file_will_fail_its_tubes(told):
    panel = "panels: {t: {markers: {CD4: [R1-A], CD8: [B2-A]}}}\n"
    (note,) = told(panel, STAINS, ["CD3", "CD8", "CD4"])
    assert note.startswith(
        "flow tubes that will fail, 'T0': column R1-A: the file and the panel contradict each other: CD4 by the panel, "
        "CD8 by the file's $PnS; found 'CD8'"
    )


def test_stimulated_tubes_need_cd4_and_cd8_and_others_do_not(told):
    assert told("panels: {t: {}}\n", ["CD3", "CD4", ""], ["CD3", "CD4", ""]) == []
    (note,) = told("panels: {t: {}}\n", ["CD3", "CD4", ""], ["CD3", "CD4", ""], role="unstimulated")
    assert note.startswith("flow tubes that will fail, 'T0', 'T1': no channel for CD8; name it among")


def test_names_of_a_panel_that_a_tube_does_not_bear(told):
    panel = "panels: {t: {markers: {CCR7: [V1-A, CCR7 BV421]}}}\n"
    assert told(panel, STAINS, ["CD3", "CD4", "CCR7 BV421"]) == [
        "markers for which tubes of their panel have no channel of the names in study.yaml: t CCR7 (V1-A, CCR7 BV421) "
        "of 'T0'"
    ]


def test_blanks_may_lack_a_stain(told):
    panel = "panels: {t: {markers: {CCR7: [CCR7 BV421]}}}\n"
    assert told(panel, STAINS, STAINS, role="blank") == []


def test_marked_populations_that_a_tube_has_no_channel_for(told):
    assert told("panels: {t: {}}\n", STAINS, STAINS, mark="CD8+ T") == []
    assert told("panels: {t: {}}\n", ["CD3", "CD4", "TCR Vb2"], STAINS, mark="TCR Vb2") == [
        "populations of tubes that have no channel for one of their markers, and will lack them: CD3+/TCR Vb2+ "
        "(TCR Vb2) of 'T1'"
    ]


def test_tubes_that_cannot_be_read_are_left_to_the_run(told):
    assert told("panels: {t: {markers: {CD3: [x]}}}\n") == []


@pytest.mark.parametrize(
    ("key", "names", "notes"),
    [
        ("T0", "{CD3 gate: CD3+}", []),
        (
            "T0",
            "{CD3gate: CD3+, debris: x}",
            [
                "gates.T0.names: gates.xml has no gate 'CD3gate' for 'T0', which will fail; did you mean 'CD3 gate'?",
                "gates.T0.names: gates.xml has no gate 'debris' for 'T0', which will fail; gates are CD3 gate",
            ],
        ),
        (
            "t",
            "{none: x}",
            ["gates.t.names: gates.xml has no gate 'none' for 'T0', which will fail; gates are CD3 gate"],
        ),
        ("t", "{}", []),
    ],
)
def test_names_that_are_given_to_no_gate(told, tmp_path, key, names, notes):
    write_gatingml(tmp_path / "gates.xml", [RectangleGate("CD3 gate", None, (Range(Channel("B1-A"), 10.0),))])
    told(f"panels: {{t: {{}}}}\ngates: {{{key}: {{file: gates.xml, names: {names}}}}}\n", STAINS, STAINS)
    assert names_of_no_gate(read_study(tmp_path)) == notes


def test_names_beside_a_file_of_gates_that_cannot_be_read_are_left_to_the_run(told, tmp_path):
    (tmp_path / "gates.xml").write_text("<no gates/>")
    told("panels: {t: {}}\ngates: {t: {file: gates.xml, names: {a: b}}}\n", STAINS, STAINS)
    assert names_of_no_gate(read_study(tmp_path)) == []
