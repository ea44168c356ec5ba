import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.io.junctions import cut_junctions, mismatch, translated

# Written out by hand from the standard code's table (NCBI's table 1).
CODE = {
    "F": "TTT TTC", "L": "TTA TTG CTT CTC CTA CTG", "I": "ATT ATC ATA", "M": "ATG", "V": "GTT GTC GTA GTG",
    "S": "TCT TCC TCA TCG AGT AGC", "P": "CCT CCC CCA CCG", "T": "ACT ACC ACA ACG", "A": "GCT GCC GCA GCG",
    "Y": "TAT TAC", "*": "TAA TAG TGA", "H": "CAT CAC", "Q": "CAA CAG", "N": "AAT AAC", "K": "AAA AAG",
    "D": "GAT GAC", "E": "GAA GAG", "C": "TGT TGC", "W": "TGG", "R": "CGT CGC CGA CGG AGA AGG", "G": "GGT GGC GGA GGG",
}  # fmt: skip
CODONS = {codon: letter for letter, codons in CODE.items() for codon in codons.split()}


def test_every_codon():
    assert len(CODONS) == 64
    assert translated(pl.Series(list(CODONS))).to_list() == list(CODONS.values())


@given(st.lists(st.none() | st.text("ACGTNacgt", max_size=20)))
def test_translation_is_codon_by_codon(sequences):
    def expected(text):
        if text is None:
            return None
        whole = len(text) // 3 * 3
        letters = [CODONS.get(text[i : i + 3].upper(), "X") for i in range(0, whole, 3)]
        return "".join(letters) + "_" * (len(text) > whole)

    assert translated(pl.Series("a", sequences, pl.String)).to_list() == [expected(text) for text in sequences]


# A read of immunoSEQ's public example: the junction begins at 30 and is 51 long.
READ = "TTGGAGCTGGACGACTCGGCCCTGTATCTCTGTGCCAGCAGCTTGGGTATGGGGACAGCCGCTAACTATGGCTACACCTTCGGTTCG"
JUNCTION = "TGTGCCAGCAGCTTGGGTATGGGGACAGCCGCTAACTATGGCTACACCTTC"


@pytest.mark.parametrize(
    ("start", "length", "cut"),
    [
        ("30", "51", JUNCTION),
        ("-1", "51", None),  # not found: it must not be counted from the read's end
        ("60", "51", None),  # beyond the read's end
        ("30", "0", None),
        ("unknown", "51", None),
        (None, None, None),
    ],
)
def test_a_junction_is_cut_by_its_place_or_not_at_all(start, length, cut):
    rows = pl.DataFrame(
        {"read": [READ], "junction_aa": ["CASSLGMGTAANYGYTF"], "cut_start": [start], "cut_length": [length]},
        schema=dict.fromkeys(("read", "junction_aa", "cut_start", "cut_length"), pl.String),
    )
    assert cut_junctions(rows)["junction"].to_list() == [cut]


def test_a_junction_without_a_place_is_found_by_what_it_codes_for():
    rows = pl.DataFrame(
        {
            "read": [READ, "A" + READ, "TGTTTTGGGTGTTTT", READ, READ, None],
            "junction_aa": ["CASSLGMGTAANYGYTF", "CASSLGMGTAANYGYTF", "CF", "CASSW", None, "CAF"],
        }
    )
    # twice in one read, in none, no amino acids, no read
    assert cut_junctions(rows)["junction"].to_list() == [JUNCTION, JUNCTION, None, None, None, None]


def test_junctions_that_do_not_code_for_their_amino_acids_are_counted():
    rows = pl.DataFrame(
        {
            "row": [2, 3, 4, 5, 6],
            "junction": ["TGTGCATTC", "TGTGCATTC", "TGTNCATTC", "TGTGCATTCA", None],
            "junction_aa": ["CAF", "CEF", "CEF", "CEF", "CEF"],
        }
    )
    assert mismatch(rows) == (2, 3)  # rows 3 and 5
    assert mismatch(rows.head(1)) == (0, None)
    many = {"junction": ["TGTGCATTC"] * 20_001 + ["TGTGCATT"], "junction_aa": "CAF"}
    assert mismatch(pl.DataFrame(many).with_row_index("row", 2)) == (1, 20_003)
