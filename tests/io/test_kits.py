import pytest

from tilseq.errors import ReadError, StudyError
from tilseq.io.kits import read_kit, read_kits, shipped_kits

CHANNELS = "channels: {forward: [FSC-A], side: [SSC-A], classifier: [APC-A], reporter: [PE-A]}\n"
HEAD = f"kit: mine\nunit: pg/mL\n{CHANNELS}"


def problems(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as raised:
        read_kit(path)
    return [str(problem).removeprefix(str(path)) for problem in raised.value.problems]


def test_kits_that_ship():
    assert shipped_kits() == ["cba_6plex", "multiplex", "tgfb1_singleplex", "two_size_13plex"]
    kits = read_kits()
    assert list(kits) == shipped_kits()
    assert [len(kit.beads) for kit in kits.values()] == [6, 6, 1, 13]
    assert kits["two_size_13plex"].sizes == ("small", "large")
    assert [len(kits["two_size_13plex"].of_size(size)) for size in ("small", "large")] == [6, 7]
    assert kits["tgfb1_singleplex"].activation_dilution == 1.5
    assert kits["multiplex"].activation_dilution is None


def test_a_kit_of_ones_own_in_order(tmp_path):
    path = tmp_path / "mine.yaml"
    beads = "beads:\n  s: [{analyte: X, top_pg_per_ml: 50000}, {analyte: Y}]\n  l: [{analyte: Z}]\n"
    path.write_text(HEAD + beads + "standards: {top_pg_per_ml: 10000, fold: 4, levels: 7}\n")
    kit = read_kits([path])["mine"]
    assert [(bead.analyte, bead.population, bead.top_pg_per_ml) for bead in kit.beads] == [
        ("X", "s 1", 50_000),
        ("Y", "s 2", 10_000),
        ("Z", "l 1", 10_000),
    ]
    assert kit.channels["reporter"] == ("PE-A",)
    assert (kit.fold, kit.levels) == (4, 7)
    assert [kit.nominal("X", level) for level in ("C7", "C6", "C0", "C8", "top")] == [50_000, 12_500, 0, None, None]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "beads: {a: [{analyte: X}, {analyte: X}]}\n",
            "analyte X stands twice; every bead needs an analyte of its own",
        ),
        ("beads: {a: []}\n", "no bead stands below size a"),
        (
            "beads: {a: [{analyte: X, classifier: 9}, {analyte: Y, classifier: 3}]}\n",
            "the classifiers of size a do not rise; list its beads from the dimmest up",
        ),
        (
            "beads: {a: [{analyte: X, classifier: 9}, {analyte: Y}]}\n",
            "a classifier stands at some beads only; give all of them one, or none",
        ),
        (
            "beads: {a: [{analyte: TGF-β1}]}\n",
            "TGF-β1 is latent in part: `activation: {dilution: ...}` is needed, see the kit's insert",
        ),
    ],
)
def test_beads_that_cannot_be(tmp_path, text, told):
    assert any(told in problem for problem in problems(tmp_path, HEAD + text))


@pytest.mark.parametrize("name", ["TGF-beta1", "TGFb1", "TGF-b", "TGFβ", "TGF beta 2"])
def test_names_of_what_is_latent(tmp_path, name):
    assert "is latent in part" in problems(tmp_path, HEAD + f'beads: {{a: [{{analyte: "{name}"}}]}}\n')[0]


def test_tgf_alpha_is_not_latent(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(HEAD + "beads: {a: [{analyte: TGF-alpha}, {analyte: TGF-a}]}\n")
    assert read_kit(path).activation_dilution is None


def test_two_kits_of_one_name_are_refused(tmp_path):
    for name, top in (("lot_1.yaml", 10_000), ("lot_2.yaml", 20_000)):
        text = HEAD + f"beads: {{a: [{{analyte: X}}]}}\nstandards: {{top_pg_per_ml: {top}, fold: 4, levels: 7}}\n"
        (tmp_path / name).write_text(text)
    with pytest.raises(ReadError, match="lot_2.yaml, column kit: another kit bears this name; found 'mine'"):
        read_kits([tmp_path / "lot_1.yaml", tmp_path / "lot_2.yaml"])


def test_faults_bear_their_line(tmp_path):
    text = (
        "kit: mine\nunit: ng/mL\n"
        + CHANNELS
        + "beads: {a: [{analyte: X, clasifier: 3}]}\nactivation: {dilution: 0.5}\n"
    )
    assert problems(tmp_path, text) == [
        ", row 2, column unit: this value cannot stand here; found 'ng/mL'; expected 'pg/mL'; did you mean 'pg/mL'?",
        ", row 4, column beads.a.0.clasifier: no such setting; did you mean 'classifier'?",
        ", row 5, column activation.dilution: this value cannot stand here; found 0.5; "
        "expected greater than or equal to 1",
    ]


def test_a_kit_that_does_not_ship():
    with pytest.raises(ReadError, match="no kit of this name ships; found 'multiplx'; expected cba_6plex, multiplex"):
        read_kit("multiplx")
