"""The gene sets that come with the package."""

from importlib.resources import files

from tilseq.expression import load_signatures
from tilseq.io import read_gmt

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
