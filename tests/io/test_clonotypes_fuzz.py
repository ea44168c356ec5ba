"""Mutated tables of every dialect: read or refused with the row named, never a foreign error or another number."""

import csv
import io
import json
import random

import pytest

from tilseq.errors import ReadError, TableError
from tilseq.io.clonotypes import read_clonotypes
from tilseq.io.trust4_barcodes import CHAINS

FEW, MANY = 100, 5000
JUNCTIONS = [
    ("TGTGCATTC", "CAF"),
    ("TGTGAATTC", "CEF"),
    ("TGTTCATGG", "CSW"),
    ("TGTTAGTTC", "C*F"),
    ("TGTGCCTTC", "CAF"),
]
GENES = [("TRBV28", "TRBJ2-7"), ("TRBV6-2", "TRBJ1-1"), ("TRAV1-2", "TRAJ33"), ("TRAV29/DV5", "TRAJ1")]
WORDS = ["", "NA", "-5", "1.5", "1e3", "1,247", "9" * 20, "\x00", '"', "x y", "TRUE", "é", "None", "In", "TRBV28", "0"]
BAD_COUNTS = ["", "NA", "-5", "1.5", "1e3", "1,247", "9" * 20, "0x3", "+3", " 3", "x", "1_000", "inf"]


DIALECTS = {
    "airr": [
        ("sequence_id", lambda r: r["id"]),
        ("productive", lambda r: "T"),
        ("v_call", lambda r: r["v"] + "*01"),
        ("j_call", lambda r: r["j"]),
        ("junction", lambda r: r["nt"]),
        ("junction_aa", lambda r: r["aa"]),
        ("duplicate_count", lambda r: str(r["n"])),
    ],
    "10x": [
        ("barcode", lambda r: r["id"] + "-1"),
        ("is_cell", lambda r: "True"),
        ("contig_id", lambda r: r["id"] + "-1_contig_1"),
        ("high_confidence", lambda r: "True"),
        ("chain", lambda r: r["v"][:3]),
        ("v_gene", lambda r: r["v"]),
        ("j_gene", lambda r: r["j"]),
        ("productive", lambda r: "True"),
        ("cdr3", lambda r: r["aa"]),
        ("cdr3_nt", lambda r: r["nt"]),
    ],
    "immunoseq": [
        ("rearrangement", lambda r: "CTGTATCTC" + r["nt"] + "GGAGCT"),
        ("amino_acid", lambda r: r["aa"]),
        ("frame_type", lambda r: "Stop" if "*" in r["aa"] else "In"),
        ("templates", lambda r: str(r["n"])),
        ("cdr3_length", lambda r: "9"),
        ("v_index", lambda r: "9"),
        ("v_resolved", lambda r: r["v"]),
        ("j_resolved", lambda r: r["j"]),
    ],
    "mixcr": [
        ("cloneId", lambda r: r["id"]),
        ("readCount", lambda r: f"{r['n']}.0"),
        ("allVHitsWithScore", lambda r: r["v"] + "*00(331.5)"),
        ("allJHitsWithScore", lambda r: r["j"] + "*00(88)"),
        ("nSeqCDR3", lambda r: r["nt"]),
        ("aaSeqCDR3", lambda r: r["aa"]),
    ],
    "trust4": [
        ("#count", lambda r: str(r["n"])),
        ("frequency", lambda r: "0.1"),
        ("CDR3nt", lambda r: r["nt"]),
        ("CDR3aa", lambda r: r["aa"].replace("*", "_")),
        ("V", lambda r: r["v"]),
        ("D", lambda r: "."),
        ("J", lambda r: r["j"]),
        ("C", lambda r: "*"),
        ("cid", lambda r: r["id"]),
    ],
    "trust4-barcodes": [
        ("#barcode", lambda r: r["id"] + "-1"),
        ("cell_type", lambda r: "abT"),
        ("chain1", lambda r: f"{r['v']},*,{r['j']},*,{r['nt']},{r['aa'].replace('*', '_')},7.00,{r['id']}-1_0,98.00,1"),
        ("chain2", lambda r: "*"),
        ("secondary_chain1", lambda r: "*"),
        ("secondary_chain2", lambda r: "*"),
    ],
    "vdjtools": [
        ("count", lambda r: str(r["n"])),
        ("freq", lambda r: "0.1"),
        ("cdr3nt", lambda r: r["nt"]),
        ("cdr3aa", lambda r: r["aa"]),
        ("v", lambda r: r["v"]),
        ("d", lambda r: "."),
        ("j", lambda r: r["j"]),
    ],
    "immunarch": [
        ("Clones", lambda r: str(r["n"])),
        ("Proportion", lambda r: "0.1"),
        ("CDR3.nt", lambda r: r["nt"]),
        ("CDR3.aa", lambda r: r["aa"]),
        ("V.name", lambda r: r["v"]),
        ("J.name", lambda r: r["j"]),
    ],
    "imgt": [
        ("Sequence ID", lambda r: f"{r['id']}|DUPCOUNT={r['n']}"),
        ("V-DOMAIN Functionality", lambda r: "productive"),
        ("V-GENE and allele", lambda r: f"Homsap {r['v']}*01 F"),
        ("J-GENE and allele", lambda r: f"Homsap {r['j']}*01 F"),
        ("JUNCTION", lambda r: r["nt"].lower()),
        ("JUNCTION (AA)", lambda r: r["aa"]),
    ],
}
COUNTS = {
    **{"airr": "duplicate_count", "immunoseq": "templates", "mixcr": "readCount", "trust4": "#count"},
    **{"vdjtools": "count", "immunarch": "Clones"},
}


def sound(draw, dialect):
    """Return the header and rows of a sound table."""
    rows = []
    for number in range(draw.randint(1, 8)):
        (nt, aa), (v, j) = draw.choice(JUNCTIONS), draw.choice(GENES)
        record = {"id": f"s{number}", "nt": nt, "aa": aa, "v": v, "j": j, "n": draw.randint(0, 50)}
        rows.append([make(record) for _, make in DIALECTS[dialect]])
    return [[name for name, _ in DIALECTS[dialect]], *rows]


def written(table, separator):
    return "\n".join(separator.join(row) for row in table) + "\n"


def mutated(draw, table, separator):
    """Return a table with one thing to three changed, as text."""
    for _ in range(draw.randint(1, 3)):
        row = draw.randrange(len(table))
        cell = draw.randrange(len(table[row])) if table[row] else 0
        match draw.randrange(8):
            case 0 | 1 | 2 if table[row]:
                table[row][cell] = draw.choice(WORDS)
            case 3 if table[row]:
                del table[row][cell]
            case 4:
                table[row].insert(cell, draw.choice(WORDS))
            case 5:
                table.insert(row, list(draw.choice(table)))
            case 6 if table[row]:
                other = draw.choice(table)
                table[row][cell] = draw.choice(other) if other else ""
            case 7 if len(table) > 2:
                del table[row]
    text = written(table, separator)
    if draw.random() < 0.3:
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice(["\t", ",", "\n", "\r", '"', "\x00", "A", "9", ""]) + text[place + 1 :]
    return text[: draw.randrange(len(text))] if draw.random() < 0.05 else text


def rows_of(text, separator):
    """Return the rows of a text by the standard library, as the reader is to see them."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if separator == "\t":
        return [
            dict(zip(text.split("\n")[0].split("\t"), line.split("\t"), strict=True))
            for line in text.rstrip("\n").split("\n")[1:]
        ]
    return list(csv.DictReader(io.StringIO(text), delimiter=separator, strict=True))


@pytest.mark.parametrize("times", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_mutated_tables_are_read_right_or_refused(tmp_path, dialect, times):
    draw = random.Random(f"{dialect} {times}")
    separator, name = (",", "a.csv") if dialect == "10x" else ("\t", "a.tsv")
    path, read_well = tmp_path / name, 0
    for _ in range(times):
        text = mutated(draw, sound(draw, dialect), separator)
        path.write_bytes(text.encode())
        try:
            read = read_clonotypes(path)
        except (ReadError, TableError) as error:
            assert error.file == str(path)
            assert error.row is None or 1 <= error.row <= text.count("\n") + text.count("\r") + 1
            continue
        read_well += 1
        rows = rows_of(text, separator)
        used, left_out = read.table["duplicate_count"].sum(), read.exclusions
        if "barcode" in (rows[0] if rows else {}):
            assert used + left_out["rows"].sum() == len(rows)
        elif dialect == "trust4-barcodes":
            chains = [
                v
                for row in rows
                for name, v in row.items()
                if name.lower().strip() in CHAINS and v.strip() not in ("", "*")
            ]
            assert used + left_out["rows"].sum() == len(chains)
        elif COUNTS.get(dialect) in (rows[0] if rows else {}):
            header = COUNTS[dialect]
            assert used + left_out["counts"].sum() == sum(int(float(row[header])) for row in rows)
        # every junction stands in the file, and counts no more than the rows that hold it
        for junction, count in read.table.select("junction", "duplicate_count").iter_rows():
            holding = [row for row in rows if any(junction in value.upper() for value in row.values())]
            assert holding
            if COUNTS.get(dialect) in holding[0]:
                assert count <= sum(int(float(row[COUNTS[dialect]])) for row in holding)
    assert read_well > times / 10  # or nothing was tried


@pytest.mark.parametrize("times", [FEW // 2, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("dialect", COUNTS)
def test_the_row_of_a_count_that_cannot_be_read_is_right(tmp_path, dialect, times):
    draw = random.Random(f"{dialect} {times}")
    path = tmp_path / "a.tsv"
    for _ in range(times):
        table = sound(draw, dialect)
        row = draw.randrange(1, len(table))
        comments = draw.randrange(3)
        table[row][table[0].index(COUNTS[dialect])] = draw.choice(BAD_COUNTS)
        path.write_text("# a comment\n" * comments + written(table, "\t"))
        if len(table) == 2 and table[1][table[0].index(COUNTS[dialect])] in ("", "NA"):
            table.append(list(table[1]))  # a column that is empty throughout is as good as absent
        with pytest.raises(TableError) as caught:
            read_clonotypes(path)
        assert (caught.value.row, caught.value.column) == (comments + row + 1, COUNTS[dialect])


@pytest.mark.parametrize("times", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_mutated_json_is_read_right_or_refused(tmp_path, times):
    draw = random.Random(times)
    path, read_well = tmp_path / "a.json", 0
    for _ in range(times):
        contigs = []
        for number in range(draw.randint(1, 5)):
            (nt, aa), (v, j) = draw.choice(JUNCTIONS), draw.choice(GENES)
            genes = (("L-REGION+V-REGION", v), ("J-REGION", j))
            contig = {"barcode": f"s{number}-1", "contig_name": f"s{number}-1_contig_1", "is_cell": True}
            contig |= {"high_confidence": True, "productive": True, "cdr3": aa, "cdr3_seq": nt}
            contig["annotations"] = [{"feature": {"region_type": region, "gene_name": gene}} for region, gene in genes]
            contigs.append(contig)
        match draw.randrange(4):
            case 0:
                del draw.choice(contigs)[draw.choice(list(contigs[0]))]
            case 1:
                draw.choice(contigs)[draw.choice(list(contigs[0]))] = draw.choice([None, 5, "x", [], {}, True, [5]])
            case 2:
                contigs.append(draw.choice([None, 5, {}, contigs[0], []]))
        text = json.dumps(contigs)
        if draw.random() < 0.5:
            place = draw.randrange(len(text))
            text = text[:place] + draw.choice(["[", "]", "{", "}", ",", '"', "x", "\\", "9", ""]) + text[place + 1 :]
        path.write_text(text)
        try:
            read = read_clonotypes(path)
        except (ReadError, TableError):
            continue
        read_well += 1
        assert read.table["duplicate_count"].sum() + read.exclusions["rows"].sum() == len(json.loads(text))
    assert read_well > times / 10
