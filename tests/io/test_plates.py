import gzip

import numpy as np
import polars as pl
import pytest

from tilseq.errors import ReadError, StudyError
from tilseq.io.fcs import read_fcs
from tilseq.io.fcs_write import write_fcs
from tilseq.io.kits import read_kits
from tilseq.io.plates import Wells, check_kits, read_plate, read_well, read_wells, to_linear

HEADER = "plate,well,path,role,sample,kit,analyte,dilution,acid_activated,scale\n"
EVENTS = np.array([[1e5, 2e5, 3e3, 4e2], [1.5e5, 2.5e5, 3.5e3, 4.5e2]], dtype=np.float32)
NAMES = ("FSC-A", "SSC-A", "APC-A", "PE-A")


@pytest.fixture(scope="module")
def kits():
    return read_kits()


def sheet(tmp_path, *rows):
    path = tmp_path / "P1.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def faults(tmp_path, kits, *rows):
    path = sheet(tmp_path, *rows)
    return [str(fault).removeprefix(f"{path}, ") for fault in check_kits(read_plate(path), kits, file=path)]


def test_a_sheet_and_its_wells(tmp_path, kits):
    write_fcs(tmp_path / "a.fcs", EVENTS, NAMES)
    frame = read_plate(sheet(tmp_path, "P1,A1,a.fcs,sample,S1,multiplex,,2,,", "P1,A2,b.fcs,sample,S1,multiplex,,2,,"))
    read = read_wells(frame, tmp_path, kits)
    assert read.events["P1", "A1"].tolist() == EVENTS.astype(float).tolist()
    assert list(read.events) == [("P1", "A1")]
    assert "b.fcs" in read.lost["P1", "A2"]


def test_faults_of_a_sheet_stand_together(tmp_path):
    with pytest.raises(StudyError, match="2 problems in the plate sheet"):
        read_plate(sheet(tmp_path, "P1,A1,,sample,S1,multiplex,,0.5,,"))


def test_kits_of_a_sheet(tmp_path, kits):
    assert faults(
        tmp_path,
        kits,
        "P1,A1,a.fcs,sample,S1,multiplx,,2,,",
        "P1,A2,a.fcs,sample,S1,multiplex,IFN-gama,2,,",
        "P1,A3,a.csv,sample,S1,multiplex,,2,,",
        "P1,A4,a.fcs,sample,S1,multiplex,,2,,linear",
        "P1,A5,a.fcs,sample,S1,tgfb1_singleplex,,,,",
        "P1,A6,a.fcs,sample,S1,tgfb1_singleplex,,1.2,true,",
        "P1,A7,a.fcs,sample,S1,tgfb1_singleplex,,1.2,false,",
        "P1,A8,a.fcs,standard,,tgfb1_singleplex,,,,",
    ) == [
        "row 2, column kit: no such kit; found 'multiplx'; expected cba_6plex, multiplex, tgfb1_singleplex, "
        "two_size_13plex; did you mean 'multiplex'?",
        "row 3, column analyte: kit multiplex has no such analyte; found 'IFN-gama'; "
        "expected IFN-gamma, TNF-alpha, IL-2, IL-6, IL-10, IL-15; did you mean 'IFN-gamma'?",
        "row 4, column scale: a CSV of events needs the scale of its fluorescence; "
        "expected linear, log2, ln, log10, asinh(1+x)",
        "row 5, column scale: an FCS file tells its own scale; found 'linear'; expected an empty cell",
        "row 6, column acid_activated: this kit measures free or total: the sheet must say whether the sample was "
        "activated; expected true or false",
        "row 6, column dilution: this kit needs the dilution of a sample; expected final over original volume",
        "row 7, column dilution: the acid activation alone dilutes more; found 1.2; "
        "expected at least 1.5, activation included",
    ]


def test_files_named_after_other_wells(tmp_path, kits):
    rows = ("P1,A1,x_A01.fcs,control,,multiplex,,,,", "P1,A2,x_A03.fcs,control,,multiplex,,,,")
    assert faults(tmp_path, kits, *rows) == [
        "row 3, column path: the file is named after well A03, and the row is of well A2; found 'x_A03.fcs'; "
        "mend the row, or rename the file where its name is wrong"
    ]
    # C1 is a level here: with a name that ends in no well, names say nothing.
    assert faults(tmp_path, kits, *rows, "P1,A4,x_A04_again.fcs,control,,multiplex,,,,") == []


@pytest.mark.parametrize(
    ("files", "wrong"),
    [
        (("C7.fcs", "C6.fcs", "serum_P9.fcs"), 0),  # levels, and a patient
        (("x_C0.fcs", "x_C6.fcs", "x_A03.fcs"), 0),  # no well is called 0
        (("x_A02.fcs", "x_A01.fcs", "x_A03.fcs"), 2),
        (("x_C7.fcs", "x_A02.fcs", "x_A03.fcs"), 1),
    ],
)
def test_files_named_after_levels_are_named_after_no_wells(tmp_path, kits, files, wrong):
    path = tmp_path / "P1.csv"
    rows = [f"P1,A{at},{file},multiplex," for at, file in enumerate(files, start=1)]
    ends = ("standard,,C7", "standard,,C6", "sample,S1,")
    path.write_text("plate,well,path,kit,role,sample,level\n" + "\n".join(map("".join, zip(rows, ends, strict=True))))
    assert len(check_kits(read_plate(path), kits, file=path)) == wrong


def test_a_file_that_says_it_is_of_another_well(tmp_path, kits):
    write_fcs(tmp_path / "a.fcs", EVENTS, NAMES, keywords={"WELL ID": "B03"})
    with pytest.raises(ReadError, match="the file is of another well; found 'B03'; expected well B4"):
        read_well(tmp_path / "a.fcs", kits["multiplex"], well="B4")
    assert len(read_well(tmp_path / "a.fcs", kits["multiplex"], well="b3")[0]) == 2


def test_channels_are_found_by_the_kits_names(tmp_path, kits):
    write_fcs(tmp_path / "a.fcs", EVENTS[:, [3, 0, 2, 1]], ("FL2-A", "FSC-H", "FL6-A", "SSC-H"))
    events, _ = read_well(tmp_path / "a.fcs", kits["two_size_13plex"])
    assert events.tolist() == EVENTS.astype(float).tolist()
    with pytest.raises(ReadError, match=r"no channel for the kit's classifier; found .*FL6-A.*; expected one of"):
        read_well(tmp_path / "a.fcs", kits["multiplex"])


def test_marker_texts_are_names_too(tmp_path, kits):
    write_fcs(
        tmp_path / "a.fcs", EVENTS, ("FSC-A", "SSC-A", "R1", "Y1"), markers=(None, None, "classifier", "reporter")
    )
    assert len(read_well(tmp_path / "a.fcs", kits["multiplex"])[0]) == 2


def test_events_that_are_not_finite_are_told(tmp_path, kits):
    (tmp_path / "a.csv").write_text("FSC-A,SSC-A,APC-A,PE-A\n1,2,nan,4\n1,2,300,4\n")
    events, warnings = read_well(tmp_path / "a.csv", kits["multiplex"], scale="linear")
    assert len(events) == 1
    assert warnings[-1] == "1 events with a value that is not finite are left out"


@pytest.mark.parametrize(
    ("scale", "stored"),
    [
        ("linear", [3_000, 400]),
        ("log2", np.log2([3_000, 400])),
        ("ln", np.log([3_000, 400])),
        ("log10", np.log10([3_000, 400])),
        ("asinh(1+x)", np.arcsinh([3_001, 401])),
    ],
)
def test_tables_on_a_declared_scale(tmp_path, kits, scale, stored):
    text = f"FSC-A,SSC-A,APC-A,PE-A\n1e5,2e5,{stored[0]},{stored[1]}\n"
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode()))
    events, _ = read_well(tmp_path / "a.csv.gz", kits["multiplex"], scale=scale)
    assert events.ravel() == pytest.approx([1e5, 2e5, 3_000, 400])


@pytest.mark.parametrize(
    ("scale", "classifier", "told"),
    [
        (
            "linear",
            np.log10(3_000),
            r"not on the scale linear; found '3.48 as the highest, made linear'; expected up to 1e\+09, and of",
        ),
        ("linear", np.arcsinh(250_001), "not on the scale linear"),
        ("log10", 3_000, "not on the scale log10; found 'inf as the highest, made linear'"),
        ("log2", 40, "not on the scale log2"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(tmp_path, kits, scale, classifier, told):
    (tmp_path / "a.csv").write_text(f"FSC-A,SSC-A,APC-A,PE-A\n1e5,2e5,{classifier},4\n")
    with pytest.raises(ReadError, match=told):
        read_well(tmp_path / "a.csv", kits["multiplex"], scale=scale)


def test_a_table_without_events_is_a_well_without_events(tmp_path, kits):
    (tmp_path / "a.csv").write_text("FSC-A,SSC-A,APC-A,PE-A\n")
    assert read_well(tmp_path / "a.csv", kits["multiplex"], scale="linear")[0].shape == (0, 4)


def test_standards_against_the_series_of_the_kit(tmp_path, kits):
    path = tmp_path / "P1.csv"
    rows = [
        "P1,A1,a.fcs,standard,multiplex,,C7,",
        "P1,A2,b.fcs,standard,multiplex,,C8,",
        "P1,A3,c.fcs,standard,multiplex,,C0,",
        "P1,A4,d.fcs,standard,multiplex,,C7,10",
        "P1,A5,e.fcs,standard,multiplex,IL-2,C6,2.5",
        "P1,A6,f.fcs,standard,multiplex,,C6,300",
        "P1,A7,g.fcs,standard,multiplex,,Top,10000",
        "P1,A8,h.fcs,standard,multiplex,,,0",
        "P1,B1,i.fcs,standard,multiplex,,C7,12000000",
        "P1,B2,j.fcs,standard,multiplex,,C7,0.01",
        "P1,B3,k.fcs,standard,multiplex,,C7,50000",
    ]
    path.write_text("plate,well,path,role,kit,analyte,level,nominal_pg_per_ml\n" + "\n".join(rows) + "\n")
    told = [str(fault).removeprefix(f"{path}, ") for fault in check_kits(read_plate(path), kits, file=path)]
    assert told == [
        "row 3, column nominal_pg_per_ml: neither the sheet nor kit multiplex tells the concentration of level C8; "
        "expected above 0",
        "row 4, column role: level C0 is kit multiplex's blank; found 'standard'; expected blank",
        "row 5, column nominal_pg_per_ml: about a thousandth of what kit multiplex has at level C7; found 10.0; "
        "expected pg/mL; is it ng/mL?",
        "row 6, column nominal_pg_per_ml: about a thousandth of what kit multiplex has at level C6; found 2.5; "
        "expected pg/mL; is it ng/mL?",
        "row 9, column nominal_pg_per_ml: a standard of 0 pg/mL is a blank; found 0.0; expected above 0; "
        "give it the role blank",
        "row 10, column nominal_pg_per_ml: about a thousand times what kit multiplex has at level C7; "
        "found 12000000.0; expected pg/mL; is it fg/mL?",
        "row 11, column nominal_pg_per_ml: about a millionth of what kit multiplex has at level C7; found 0.01; "
        "expected pg/mL; is it µg/mL?",
    ]


def test_a_blank_at_the_level_of_a_standard_is_refused(tmp_path, kits):
    path = tmp_path / "P1.csv"
    rows = ["P1,A1,a.fcs,blank,multiplex,,C0,", "P1,A2,b.fcs,blank,multiplex,,C5,", "P1,A3,c.fcs,blank,multiplex,,,"]
    path.write_text("plate,well,path,role,kit,analyte,level,nominal_pg_per_ml\n" + "\n".join(rows) + "\n")
    assert [str(fault) for fault in check_kits(read_plate(path), kits, file=path)] == [
        f"{path}, row 3, column role: level C5 of kit multiplex holds its analytes, and a blank holds nothing; "
        "found 'blank'; expected standard; mend the role, or the level"
    ]


def test_a_table_without_a_scale_or_with_words_is_refused(tmp_path, kits):
    (tmp_path / "a.csv").write_text("FSC-A,SSC-A,APC-A,PE-A\n1,2,3,4\n1,2,x,4\n")
    with pytest.raises(ReadError, match="needs the scale"):
        read_well(tmp_path / "a.csv", kits["multiplex"])
    with pytest.raises(ReadError, match=r"row 3, column APC-A: not a number; found 'x'"):
        read_well(tmp_path / "a.csv", kits["multiplex"], scale="linear")


def test_the_scale_of_beadplexr_is_pinned_by_a_raw_well(shared_data):
    """The raw well's clusters and those of the plate lie alike on asinh(1 + x), and on no other declared scale."""
    folder = shared_data / "cytokine"
    raw = read_fcs(folder / "K2-C07-A7_raw.fcs")
    light = raw.events[:, raw.index("FL6-H")]
    plate = pl.read_csv(folder / "legendplex" / "K3-C7-1.csv.gz")["FL6-H"].to_numpy()
    # Thirteen bead populations of known order: the same share of beads lies below each step of the classifier.
    dyed = light[light > 750]
    shares = [5, 12, 30, 50, 70, 95]
    pinned = np.percentile(to_linear(plate, "asinh(1+x)"), shares) / np.percentile(dyed, shares)
    assert np.abs(np.log(pinned)).max() < 0.12
    assert np.percentile(to_linear(plate, "log2"), 50) < 0.2 * np.median(dyed)
    assert np.percentile(to_linear(plate, "ln"), 50) > 1.8 * np.median(dyed)
    assert np.percentile(to_linear(plate, "log10"), 50) > 1e3 * np.median(dyed)


XPONENT = """Program,xPONENT,,MAGPIX
Build,4.2.1324.0

Results

DataType:,Median
Location,Sample,IFN-gamma,Total Events
"1(1,A1)",Standard1,12034,110
"""


def test_medians_of_an_instrument_are_no_sheet(tmp_path):
    (tmp_path / "P1.csv").write_text(XPONENT)
    with pytest.raises(ReadError) as caught:
        read_plate(tmp_path / "P1.csv")
    assert str(caught.value) == (
        f"{tmp_path / 'P1.csv'}: an instrument's table of medians is no sheet of wells; found 'xPONENT'; "
        "expected a row a well, with its file of events; export the events of each well, as FCS or CSV, "
        "and write a sheet that names the files"
    )


def test_wells_at_the_end_of_a_cell_are_one_line():
    read = Wells({("P", "A01"): np.ones((2, 4))}, {("P", "A02"): "gone"})
    assert repr(read) == "Wells(1 well read, 1 lost)"
