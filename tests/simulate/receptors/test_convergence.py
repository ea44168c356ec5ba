import polars as pl
import pytest

from tilseq.simulate.receptors.convergence import CODONS, synonym, twins
from tilseq.simulate.receptors.nucleotides import translate
from tilseq.simulate.streams import stream

JUNCTION = "TGTGCCAGCAGCCCAAGGGCAGGGAAGGGTGAGCAGTTCTTC"  # the first clone of a public table of vdjtools
PROTEIN = "CASSPRAGKGEQFF"


def codons(junction):
    return [junction[place : place + 3] for place in range(0, len(junction), 3)]


def test_the_code_is_the_standard_one():
    # Standard genetic code: single codons of each kind of case.
    assert {codon: CODONS[codon] for codon in ("ATG", "TGG", "TAA", "TGA", "CTG", "AGC", "AGA", "TTT")} == {
        **{"ATG": "M", "TGG": "W", "TAA": "*", "TGA": "*", "CTG": "L", "AGC": "S", "AGA": "R", "TTT": "F"},
    }
    assert len(CODONS) == 64


def test_a_synonym_says_the_same_in_other_nucleotides():
    changed = []
    for seed in range(200):
        other = synonym(stream(seed), JUNCTION)
        assert translate(pl.Series([other])).item() == PROTEIN
        differ = [i for i, (a, b) in enumerate(zip(codons(JUNCTION), codons(other), strict=True)) if a != b]
        assert 1 <= len(differ) <= 3
        changed += differ
    # The three codons at either end are those of the V and the J gene.
    assert set(changed) == set(range(3, 11))


def test_a_single_synonym_by_hand():
    # Of the middle only AAA (lysine) has another codon, AAG; ATG and TGG have none.
    assert synonym(stream(1), "TGTGCCAGC" + "ATGAAATGG" + "CAGTTCTTC") == "TGTGCCAGC" + "ATGAAGTGG" + "CAGTTCTTC"


@pytest.mark.parametrize("junction", ["TGTGCCAGC" + "ATGTGG" + "CAGTTCTTC", "TGTGCCAGC" + "CAGTTCTTC", "TGTTTC"])
def test_without_a_synonym_there_is_no_twin(junction):
    with pytest.raises(ValueError, match="no codon"):
        synonym(stream(1), junction)


def test_twins_take_the_places_of_others():
    def clone(number, junction, lineage, public):
        return {
            "clone": number,
            "origin": "memory" if number > 2 else "tumor",
            "lineage": lineage,
            "public": public,
            "trb_v_call": f"TRBV{number}*01",
            "trb_d_call": None,
            "trb_j_call": f"TRBJ1-{number}*01",
            "trb_junction": junction,
            "trb_junction_aa": f"{PROTEIN}{number}",
            "tra_junction": f"alpha {number}",
            "convergent_with": None,
        }

    table = pl.DataFrame(
        [
            clone(1, JUNCTION, "CD8", False),
            clone(2, JUNCTION, "CD4", False),
            clone(3, "x", "CD4", True),
            clone(4, "y", "CD8", True),
        ],
        schema_overrides={"trb_d_call": pl.String, "convergent_with": pl.Int64},
    )
    made = twins(stream(1), table, [1, 0], [2, 3])
    assert made.schema == table.schema
    assert made[:2].equals(table[:2])
    expected = ["clone", "origin", "lineage", "public", "trb_v_call", "trb_j_call", "trb_junction_aa", "tra_junction"]
    assert made[2:].select(*expected, "convergent_with").rows() == [
        (3, "memory", "CD4", False, "TRBV2*01", "TRBJ1-2*01", f"{PROTEIN}2", "alpha 3", 2),
        (4, "memory", "CD8", False, "TRBV1*01", "TRBJ1-1*01", f"{PROTEIN}1", "alpha 4", 1),
    ]
    assert set(translate(made[2:]["trb_junction"])) == {PROTEIN}
    assert JUNCTION not in made[2:]["trb_junction"]
