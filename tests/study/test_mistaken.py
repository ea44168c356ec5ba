import gzip

import pytest

from tilseq.study.mistaken import (
    named_otherwise,
    note_few_infused,
    note_files_of_other_visits,
    note_files_of_others,
    note_rows_of_others,
    note_specimens,
)
from tilseq.study.read import examine


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/a.fcs", False),
        ("raw/007_D28.fcs", True),
        ("S01/007_D28.fcs", False),  # its own name is there too
        ("raw/x007.fcs", False),
        ("raw/0071.fcs", False),
        ("raw/Specimen_007_Tube_007_007.fcs", False),  # counted by FACSDiva
        ("raw/Specimen_001_T cells_007.fcs", False),
        ("raw/Specimen_001_007_003.fcs", True),
        ("raw/PBMC_Tube_001_007.fcs", False),
        ("raw/A1 Well_007.fcs", False),  # counted by SpectroFlo
        ("raw/AB2024-03-14.007.fcs", False),  # by MACSQuant
        ("raw/patient_007.fcs", True),
    ],
)
def test_a_file_named_after_another_subject_is_told(make_study, path, told):
    folder = make_study({"samples.csv": ("raw/a.fcs", path), path: "file"})
    notes = [f"files named after another subject: 'S01_base of S01 ({path})'"] if told else []
    assert note_files_of_others(examine(folder)) == notes


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/a.fcs", False),
        ("raw/S01_D28.fcs", True),
        ("raw/S01-d28_tube1.fcs", True),
        ("product/S01.fcs", True),
        ("D28/S01_baseline.fcs", False),  # its own name is there too
        ("raw/S01_D280.fcs", False),
        ("raw/S01_productA.fcs", False),
    ],
)
def test_a_file_named_after_another_visit_is_told(make_study, path, told):
    folder = make_study({"samples.csv": ("raw/a.fcs", path), path: "file"})
    notes = [f"files named after another visit: 'S01_base of baseline ({path})'"] if told else []
    assert note_files_of_other_visits(examine(folder)) == notes


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("raw/S01_D7_D07_023.fcs", False),  # a well, as FACSDiva names it
        ("raw/S01_D7.fcs", True),
        ("raw/S01_D7_D1_D01_023.fcs", True),
        ("raw/S01/01-Well-D7.fcs", False),  # as CytExpert does
        ("raw/S01/D7 Well_043.fcs", False),  # as SpectroFlo does
        ("raw/S01_2024-03-14.fcs", False),
        ("raw/S01_14 colours.fcs", False),  # so short a number is of anything
        ("raw/S01_100.fcs", True),
        ("raw/S01_1234-56-100.fcs", True),  # no date
    ],
)
def test_wells_dates_and_short_numbers_are_no_visits(path, told):
    assert named_otherwise([("D28", path, "it")], "visit", ["D7", "D28", "14", "100"]) == (["it"] if told else [])


HEADER = "sample,subject,visit,day,specimen,assay,path\n"


@pytest.mark.parametrize(
    ("table", "notes"),
    [
        ("sample_name\tcount\nS01_D28\t3\n", []),
        ("sample_name\tcount\n007_D28\t3\n", ["subject: 'a of S01 (sample_name 007_D28)'"]),
        ("sample_name\tcount\nS01_product\t3\n", ["visit: 'a of D28 (sample_name S01_product)'"]),
        ("sample_id\tsubject_id\nD28\t007\n", ["subject: 'a of S01 (sample_id D28, subject_id 007)'"]),
        (
            '# by a program\ncount,repertoire_id\n3,"007, day 3"\n',
            ["subject: 'a of S01 (repertoire_id 007, day 3)'"],
        ),
        ("sample_name\tcount\nX-12\t3\n", []),
        ("sequence_id\tcount\n007_D28\t3\n", []),
        ("sample_name\tcount\n", []),
        ("", []),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_receptor_tables_of_another_subject_or_visit_are_told(make_study, table, notes, packed):
    folder = make_study({"samples.csv": f"{HEADER}a,S01,D28,28,blood,tcr,raw/S01_D28.tsv\n"})
    (folder / "raw/S01_D28.tsv").write_bytes(gzip.compress(table.encode()) if packed else table.encode())
    told = [f"receptor tables whose rows name another {note}" for note in notes]
    assert note_rows_of_others(examine(folder)) == told


def test_one_specimen_is_of_one_kind_and_a_lot_of_a_product(make_study):
    rows = (
        "sample,subject,visit,day,specimen,assay,path,specimen_id,lot\n"
        "a,S01,D28,28,blood,flow,raw/a.fcs,x,\n"
        "b,S01,D28,28,plasma,cytokine,,x,\n"
        "c,S01,product,0,infusion_product,tcr,raw/b.tsv,y,L1\n"
        "d,S01,product,0,blood,flow,raw/e.fcs,y,L1\n"
    )
    assert note_specimens(examine(make_study({"samples.csv": rows}))) == [
        "one specimen_id of several specimens: 'y (blood and infusion_product)'",
        "a lot is of a product, and these samples are none: 'd (blood)'",
    ]
    assert note_specimens(examine(make_study({}))) == []


def test_cells_in_thousands_of_millions_are_told(make_study):
    rows = "subject,infusion,day,lot,cells\nS01,1,0,L1,58\nS01,2,14,L1,3e10\n007,1,0,L2,0\n"
    assert note_few_infused(examine(make_study({"infusions.csv": rows}))) == [
        "cells of infusions.csv so few that they may be in millions: '58 (S01)'"
    ]
    rows = rows.replace("58", "20350").replace("3e10", "1e6")
    assert note_few_infused(examine(make_study({"infusions.csv": rows}))) == [
        "cells of infusions.csv so few that they may be in millions: '20350 (S01)'"
    ]
