"""The gene sets that come with the package."""

import re
from collections import defaultdict

import polars as pl
import pytest

from tilseq.errors import AnalysisError
from tilseq.expression import as_signatures, gene_lists, load_hallmark, load_signatures, signature_coverage
from tilseq.expression.vdj_genes import vdj_genes
from tilseq.gene_symbols import present_symbol
from tilseq.io import read_gmt

AXES = {
    *("naive", "stem_like_memory", "central_memory", "effector_memory", "tissue_resident", "activation", "effector"),
    *("exhaustion", "exhaustion_progenitor", "exhaustion_terminal", "tumour_reactive", "proliferation"),
    *("oxidative_phosphorylation", "glycolysis", "fatty_acid_oxidation", "tca_cycle", "hypoxia", "amino_acid"),
    *("mitochondrial_biogenesis", "mtorc1", "myc", "il2_stat5", "interferon", "reactive_oxygen", "cholesterol"),
    *("stress", "regulatory", "type_17"),
}
# Set → its lists in the working material, and of how many papers or lists its genes are.
TERMINAL = ["Krishna.ACT.Term.Diff", "Jansen_Term_diff", "CD8_B_Feldman", "Oliveira.TTE", "Yost_CD8_Exh", "Li.CD8.DYS",
            "Mel_Exhaust_Tirosh", "Oh.CD8.CD39", "Zheng2021.CD8.c12(terminal_Tex)"]  # fmt: skip


def test_the_axes_of_the_registry():
    sets = load_signatures()
    assert {one.axis for one in sets.values()} == AXES
    assert len(sets) == 37
    assert {one.species for one in sets.values()} == {"human"}


def test_every_set_says_where_it_is_from():
    for one in load_signatures().values():
        assert one.how and one.licence
        assert bool(one.paper) == bool(one.doi)
        assert all(re.fullmatch(r"10\.\d{4}/\S+", doi) for doi in one.doi.split("; ") if doi)
        assert one.paper or one.how.startswith("canonical markers")


def test_genes_are_present_symbols_stand_once_and_are_no_vdj_genes():
    for one in [*load_signatures().values(), *load_hallmark().values()]:
        genes = [*one.up, *one.down]
        assert [present_symbol(gene) for gene in genes] == genes
        assert len(set(genes)) == len(genes)
    listed = [gene for one in load_signatures().values() for gene in (*one.up, *one.down)]
    assert not vdj_genes(listed).any()


@pytest.mark.parametrize(
    ("name", "genes"),
    [
        ("naive", ("CCR7", "LEF1", "SELL", "TCF7")),
        ("stem_like_memory", ("IL7R", "TCF7", "CCR7", "SELL")),
        ("effector_memory", ("GZMK", "EOMES")),
        ("tissue_resident", ("ZNF683", "ITGAE", "CXCR6")),
        ("cytotoxic_effector", ("GZMB", "PRF1", "NKG7")),
        ("exhaustion_progenitor", ("TOX", "CXCL13", "CD200")),
        ("exhaustion_terminal", ("HAVCR2", "ENTPD1", "LAG3", "PDCD1", "LAYN")),
        ("s_phase", ("PCNA", "MCM2", "TYMS", "CENPU")),
        ("g2m_phase", ("MKI67", "TOP2A", "JPT1", "PIMREG")),
        ("glycolysis", ("GAPDH", "PKM", "LDHA")),
        ("fatty_acid_oxidation", ("ACADM", "HADHA")),
        ("heat_shock", ("HSPA1A", "DNAJB1")),
        ("treg", ("FOXP3", "IL2RA", "CTLA4")),
    ],
)
def test_a_set_holds_the_genes_that_it_is_known_by(name, genes):
    assert set(genes) <= set(load_signatures()[name].up)


def test_signed_sets():
    sets = load_signatures()
    assert (sets["manascore"].up, sets["manascore"].down) == (("CXCL13", "ENTPD1"), ("IL7R",))
    assert sets["stem_minus_terminal"].up == sets["stem_like_memory"].up
    assert sets["stem_minus_terminal"].down == sets["exhaustion_terminal"].up
    assert {name for name, one in sets.items() if one.down} == {"manascore", "stem_minus_terminal"}


def test_no_set_holds_what_only_the_mouse_lists_have(shared_data):
    lists = working_lists(shared_data)
    human = {gene for name, genes in lists.items() if "Miller" not in name for gene in genes}
    human |= {g for genes in read_gmt(shared_data / "genesets/ReactomePathways.gmt").values() for g in genes}
    human |= {g for genes in read_gmt(shared_data / "genesets/h.all.v2025.1.Hs.symbols.gmt").values() for g in genes}
    mouse = {gene for name, genes in lists.items() if "Miller" in name for gene in genes} - human
    listed = {gene for one in load_signatures().values() for gene in (*one.up, *one.down)}
    assert mouse and not listed & mouse


def working_lists(shared_data):
    rows = pl.read_csv(shared_data / "genesets/signatures.tsv", separator="\t").select("name", "gene")
    lists = defaultdict(set)
    for name, gene in rows.iter_rows():
        lists[name].add(present_symbol(gene))
    return lists


def test_terminal_exhaustion_is_of_genes_that_four_of_nine_papers_list(shared_data):
    lists = working_lists(shared_data)
    votes = defaultdict(int)
    for name in TERMINAL:
        for gene in lists[name]:
            votes[gene] += 1
    assert set(load_signatures()["exhaustion_terminal"].up) == {gene for gene, number in votes.items() if number >= 4}


def test_whole_sets_are_those_of_hallmark_and_reactome(shared_data):
    known = read_gmt(shared_data / "genesets/h.all.v2025.1.Hs.symbols.gmt")
    sets = load_signatures()
    assert {name: one.up for name, one in load_hallmark().items()} == known
    assert sets["mtorc1"].up == known["HALLMARK_MTORC1_SIGNALING"]
    chosen = {
        "oxidative_phosphorylation": "OXIDATIVE_PHOSPHORYLATION",
        "ifn_gamma_response": "INTERFERON_GAMMA_RESPONSE",
    }
    for name, hallmark in chosen.items():
        assert set(sets[name].up) < set(known[f"HALLMARK_{hallmark}"])


def test_a_users_set_may_have_genes_against_it():
    one = as_signatures({"s": ("A", "B+", "C-", "HLA-A")})["s"]
    assert (one.up, one.down, one.axis) == (("A", "B", "HLA-A"), ("C",), "")


def test_coverage_counts_both_directions_and_refuses_either_below_half():
    sets = {"s": ["A", "KIAA0101", "C-", "D-"], "t": ["A", "B", "X-", "Y-", "D-"]}
    found = signature_coverage(sets, ["PCLAF", "A", "D", "B"])
    assert found.rows() == [
        ("s", None, 4, 3, 0.75, True, None),
        ("t", None, 5, 3, 0.6, False, "1 of 3 genes found, fewer than 50%"),
    ]


def test_lists_of_genes_part_a_signed_set_and_hold_none_twice():
    lists = gene_lists(load_signatures())
    assert (lists["manascore:up"], lists["manascore:down"]) == (("CXCL13", "ENTPD1"), ("IL7R",))
    assert not {"stem_minus_terminal:up", "stem_minus_terminal:down", "manascore"} & lists.keys()
    assert len({frozenset(genes) for genes in lists.values()}) == len(lists) == 37


def test_a_set_named_as_the_half_of_a_signed_set_is_refused():
    signed = {"A": ["X", "Y", "Z-"]}
    with pytest.raises(AnalysisError, match="bears the name of a half of another; found 'A:down'; A has genes against"):
        gene_lists(as_signatures({**signed, "A:down": ["Q", "R"]}))
    assert gene_lists(as_signatures({**signed, "A:down": ["Z"]})) == {"A:down": ("Z",), "A:up": ("X", "Y")}


def test_a_set_that_is_a_text_is_refused_as_its_letters_are_no_genes():
    with pytest.raises(AnalysisError, match=r"the set mine is no list of genes; found 'GZMB'; write \['GZMB'\]"):
        as_signatures({"mine": "GZMB"})
