"""Columns of clonotype tables that were sorted or moved without the others: of genes, of junctions, of cells."""

import pytest

from tilseq.io import read_clonotypes, read_contigs
from tilseq.io.moved_columns import ENDS

GENES = sorted(ENDS)
BASES = {"A": "GCC", "F": "TTC", "G": "GGC", "H": "CAC", "I": "ATC", "L": "CTG", "Q": "CAG", "T": "ACC", "Y": "TAC"}
LETTERS = "AGLT"


def junctions(number):
    """As many junctions, each of its own letters and the end of a J gene, the genes by turns."""
    for place in range(number):
        gene = GENES[place % len(GENES)]
        inner = "".join(LETTERS[place // 4**at % 4] for at in range(4))
        amino = inner + ENDS[gene]
        yield gene, "C" + amino, "TGT" + "".join(BASES[letter] for letter in amino)


def vdjtools(path, number, moved):
    rows = list(junctions(number))
    genes = [gene for gene, _, _ in rows]
    genes = genes[-moved:] + genes[:-moved] if moved else genes
    lines = [f"3\t{bases}\t{amino}\tTRBV2\t{gene}" for gene, (_, amino, bases) in zip(genes, rows, strict=True)]
    path.write_text("count\tcdr3nt\tcdr3aa\tv\tj\n" + "\n".join(lines) + "\n")
    return list(read_clonotypes(path).warnings)


def test_genes_that_were_moved_by_a_row_are_told(tmp_path):
    file = tmp_path / "a.tsv"
    assert vdjtools(file, 65, 0) == []
    # TRBJ2-3, 2-4 and 2-5 end alike, so that of 13 genes in turn two are followed by their like.
    assert vdjtools(file, 65, 1) == [
        "55 of 65 rows name a J gene of TRB that their junction does not end as, the first is row 2: was a column "
        "sorted or moved without the others?"
    ]
    assert vdjtools(file, 49, 1) == []  # too few


def test_of_a_large_table_rows_evenly_spread_are_looked_at(monkeypatch, tmp_path):
    monkeypatch.setattr("tilseq.io.moved_columns.MOST_LOOKED_AT", 65)
    (told,) = vdjtools(tmp_path / "a.tsv", 130, 1)  # each second one, five of each gene
    assert told.startswith("55 of 65 rows name a J gene of TRB")


@pytest.mark.parametrize(("wrong", "told"), [(13, 0), (14, 1)])
def test_a_fifth_of_the_junctions_may_be_trimmed(tmp_path, wrong, told):
    rows = [[gene, amino, bases] for gene, amino, bases in junctions(65)]
    for row in rows[:wrong]:
        row[1], row[2] = row[1][:-3] + "AAF", row[2][:-9] + "GCCGCCTTC"
    lines = [f"3\t{bases}\t{amino}\tTRBV2\t{gene}*01" for gene, amino, bases in rows]
    (tmp_path / "a.tsv").write_text("count\tcdr3nt\tcdr3aa\tv\tj\n" + "\n".join(lines) + "\n")
    assert len(read_clonotypes(tmp_path / "a.tsv").warnings) == told


HEADER = "barcode,is_cell,contig_id,high_confidence,chain,v_gene,j_gene,productive,cdr3,cdr3_nt"


@pytest.mark.parametrize("read", [read_clonotypes, read_contigs])
def test_cells_that_their_contigs_deny_are_told(tmp_path, read):
    cells = ["AAACCTGAGAAA" + "".join("ACGT"[place // 4**at % 4] for at in range(4)) for place in range(60)]
    rows = list(junctions(60))

    def warnings(barcodes, names):
        lines = [
            f"{barcode},true,{name}_contig_1,true,TRB,TRBV2,{gene},true,{amino},{bases}"
            for barcode, name, (gene, amino, bases) in zip(barcodes, names, rows, strict=True)
        ]
        (tmp_path / "c.csv").write_text("\n".join([HEADER, *lines]) + "\n")
        return [told for told in read(tmp_path / "c.csv").warnings if "contig" in told]

    assert warnings([f"{cell}-1" for cell in cells], [f"{cell}-1" for cell in cells]) == []
    assert warnings([f"P1_{cell}" for cell in cells], [f"{cell}-1" for cell in cells]) == []
    assert warnings([f"cell{place}" for place in range(60)], [f"{cell}-1" for cell in cells]) == []
    moved = [*cells[1:], cells[0]]
    assert warnings([f"{cell}-1" for cell in moved], [f"{cell}-1" for cell in cells]) == [
        "60 of 60 rows name another cell than their contig does, the first is row 2: was a column sorted or moved "
        "without the others?"
    ]
