"""The bundled gene sets and GMT files."""

from importlib.resources import files

import pytest

from tilseq.errors import ReadError
from tilseq.expression import load_signatures, read_gmt

SIZES = {
    "exhaustion": 14,
    "stem_like_memory": 14,
    "cytotoxic_effector": 17,
    "activation": 14,
    "proliferation": 20,
    "oxidative_phosphorylation": 30,
    "glycolysis": 18,
    "ifn_gamma_response": 30,
}


def table():
    lines = files("tilseq.expression").joinpath("signatures.tsv").read_text().splitlines()
    return [line.split("\t") for line in lines[1:]]


def test_the_sets_that_come_with_the_package():
    sets = load_signatures()
    assert {name: len(genes) for name, genes in sets.items()} == SIZES
    assert sets["exhaustion"][:3] == ("PDCD1", "TOX", "LAG3")
    assert all(len(set(genes)) == len(genes) for genes in sets.values())


def test_every_gene_is_read_upwards_and_names_its_source():
    assert {row[1] for row in table()} == {"up"}
    assert all(row[3].startswith(("MSigDB", "Reactome", "tcrsift", "canonical marker")) for row in table())


def test_a_gene_said_to_be_of_hallmark_or_reactome_is(shared_data):
    known = read_gmt(shared_data / "genesets/h.all.v2025.1.Hs.symbols.gmt")
    known |= {f"Reactome {k}": v for k, v in read_gmt(shared_data / "genesets/ReactomePathways.gmt").items()}
    checked = 0
    for _, _, gene, source in table():
        for part in source.split("; MSigDB ") if "MSigDB" in source else [source]:
            words = part.removeprefix("MSigDB ")
            name = words.split(" ")[0] if words.startswith("HALLMARK") else words.split(" (CC0)")[0]
            if name in known:
                assert gene in known[name]
                checked += 1
    assert checked >= 98


def test_a_gmt_file(tmp_path):
    path = tmp_path / "s.gmt"
    path.write_bytes(b"\xef\xbb\xbfone\tsomething\tA\tB\tA\t\r\n\r\ntwo\t\tC\r\n")
    assert read_gmt(path) == {"one": ("A", "B"), "two": ("C",)}


def test_hallmark_has_50_sets(shared_data):
    sets = read_gmt(shared_data / "genesets/h.all.v2025.1.Hs.symbols.gmt")
    assert len(sets) == 50
    assert len(sets["HALLMARK_OXIDATIVE_PHOSPHORYLATION"]) == 200


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no gene set"),
        (b"one\tx\tA\none\tx\tB\n", "row 2: this gene set stands twice; found 'one'"),
        (b"one\tx\tA\ntwo\tx\n", "row 2: this line is no gene set"),
        (b"\tx\tA\n", "row 1: this line is no gene set"),
        (b"one,x,A\n", "row 1: this line is no gene set"),
        (b"one\tx\t\xff\n", "byte 6: the text is not UTF-8"),
    ],
)
def test_a_faulty_gmt_file_is_refused(tmp_path, content, words):
    path = tmp_path / "s.gmt"
    path.write_bytes(content)
    with pytest.raises(ReadError) as caught:
        read_gmt(path)
    assert words in str(caught.value)


def test_an_absent_gmt_file_is_refused(tmp_path):
    with pytest.raises(ReadError, match="cannot be read"):
        read_gmt(tmp_path / "none.gmt")
