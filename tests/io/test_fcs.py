"""Real FCS files against flowio, names, spillover, and files that were damaged at random."""

import random
import struct
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import flowio
import numpy as np
import pytest

from tilseq.errors import AnalysisError, ReadError, TilseqError
from tilseq.flow import compensate
from tilseq.io.fcs import list_data_sets, read_fcs

Make = Callable[..., Path]
TWO = [{"N": "FL1", "B": 32}, {"N": "FL2", "B": 32}]
ONE_EVENT = struct.pack("<2f", 1, 2)
PLUS_ONE = "DATA is said to end one byte too far"
MASKED = "Values had bits above $PnR, which were cleared as FCS demands"

REAL = [
    ("flow/tcell_memory_16c_10k.fcs", 0, (10_000, 16), []),
    ("flow/pbmc_spectral_unmixed.fcs", 0, (8_000, 18), []),
    ("flow/flowsom_68983/68983.fcs", 0, (19_225, 18), []),
    ("flow/gatingml_suite/data1.fcs", 0, (13_367, 8), ["4 keywords have no value"]),
    ("cytokine/K2-C07-A7_raw.fcs", 0, (6_194, 12), []),
    *((f"flow/itn/itn_0{tube}.fcs", 0, (10_000, 8), []) for tube in range(1, 9)),
    ("flow/odd/3FITC_4PE_004.fcs", 0, (94_569, 4), []),
    ("flow/odd/EY_2013-07-19_PBS_FCS_2.0_Custom_Without_Add_Well_A1.001.fcs", 0, (10_000, 16), []),
    ("flow/odd/G11.fcs", 0, (5_785, 12), []),
    ("flow/odd/SG_2014-09-26_Duplicate_Names.fcs", 0, (8_129, 9), [PLUS_ONE]),
    ("flow/odd/Sample_Well_A02.fcs", 0, (37_395, 8), []),
    ("flow/odd/coulter.lmd", 0, (18_110, 8), ["The file holds 2 data sets; the first was read.", PLUS_ONE]),
    ("flow/odd/coulter.lmd", 1, (18_110, 8), ["TEXT ends at byte 580291 but goes on", "272 bytes at the end", MASKED]),
    ("flow/odd/cyflow_cube_8.fcs", 0, (725, 10), ["The supplemental TEXT does not start with TEXT's delimiter"]),
    ("flow/odd/fcs1_cleaned.lmd", 0, (50_000, 7), [MASKED]),
]


@pytest.mark.parametrize(("name", "data_set", "shape", "warned"), REAL)
def test_real_files_read_as_flowio_reads_them(
    shared_data: Path, name: str, data_set: int, shape: tuple[int, int], warned: list[str]
) -> None:
    path = shared_data / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer = flowio.read_multiple_data_sets(path, ignore_offset_error=True)[data_set]
    expected = peer.as_array()
    if peer.time_index is not None:
        expected[:, peer.time_index] /= float(peer.text.get("timestep", 1))
    read = read_fcs(path, data_set=data_set)
    assert read.events.shape == shape
    assert read.events.dtype == np.float32
    np.testing.assert_allclose(read.events, expected, rtol=1e-7)
    assert read.channels == peer.pnn_labels
    assert read.markers == [marker.strip() for marker in peer.pns_labels]
    assert [text[: len(start)] for text, start in zip(read.warnings, warned, strict=True)] == warned


def test_offsets_only_in_text(shared_data: Path) -> None:
    # flowio cannot read it: HEADER's offsets of DATA are blank
    path = shared_data / "flow/odd/fake_large_fcs.fcs"
    read = read_fcs(path)
    assert np.array_equal(read.events, np.fromfile(path, ">f4", 11_585 * 11, offset=2462).reshape(-1, 11))
    assert read.keywords["$P11G"] == "0.01" and read.channels[10] == "Time"
    assert read.spill is not None and read.spill.matrix[0, 2] == 0.15999999430400005


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("corrupted.fcs", "too short for an FCS file; found '10 bytes'; expected at least 58 bytes"),
        (
            "data_start_offset_discrepancy_example.fcs",
            "HEADER and TEXT differ on where DATA lies; found '5555 to 6188 and 6081 to 6188'; expected 108 bytes",
        ),
        (
            "data_stop_offset_discrepancy_example.fcs",
            "byte 74: the file is cut inside TEXT; found '3510 bytes'; expected 6007 bytes",
        ),
        ("sample_header.fcs", "byte 5912: the file is cut inside DATA; found '0 bytes'; expected 2160000 bytes"),
    ],
)
def test_real_files_that_cannot_be_read_right(shared_data: Path, name: str, named: str) -> None:
    path = shared_data / "flow" / "odd" / name
    with pytest.raises(ReadError) as refused:
        read_fcs(path)
    assert str(path) in str(refused.value)
    assert named in str(refused.value)


def test_no_odd_file_is_left_out(shared_data: Path) -> None:
    seen = {name for name, *_ in REAL} | {
        f"flow/odd/{name}"
        for name in (
            "corrupted.fcs",
            "data_start_offset_discrepancy_example.fcs",
            "data_stop_offset_discrepancy_example.fcs",
            "fake_large_fcs.fcs",
            "sample_header.fcs",
        )
    }
    assert {f"flow/odd/{path.name}" for path in (shared_data / "flow/odd").iterdir()} <= seen


def test_data_sets_of_a_real_file(shared_data: Path) -> None:
    assert list_data_sets(shared_data / "flow/odd/coulter.lmd") == [0, 363_602]
    assert read_fcs(shared_data / "flow/odd/coulter.lmd", data_set=1).data_sets == 2


def test_escaped_delimiters_of_a_real_file(shared_data: Path) -> None:
    # split without regard to doubled delimiters, both channels of this file are marked GFP
    read = read_fcs(shared_data / "flow/odd/SG_2014-09-26_Duplicate_Names.fcs")
    assert read.markers[7:] == ["GFP/FITC-A", "GFP/FITC-H"]
    assert read.index("FL7-H") == 8


def test_spillover_of_real_files(shared_data: Path) -> None:
    spill = read_fcs(shared_data / "flow/tcell_memory_16c_10k.fcs").spill
    assert spill is not None
    assert spill.channels[:3] == ["B515-A", "R780-A", "R710-A"]
    assert spill.matrix.shape == (13, 13)
    assert np.array_equal(np.diag(spill.matrix), np.ones(13))
    assert read_fcs(shared_data / "flow/pbmc_spectral_unmixed.fcs").spill is None


def test_a_tube_shows_itself_in_a_line(make_fcs: Make) -> None:
    path = make_fcs(ONE_EVENT, TWO)
    assert repr(read_fcs(path)) == f"Fcs({path.name}: 1 event, channels FL1, FL2)"


@pytest.mark.parametrize("keyword", ["$SPILLOVER", "$SPILL", "SPILL"])
def test_spillover_is_bound_by_name(make_fcs: Make, keyword: str) -> None:
    spill = read_fcs(make_fcs(ONE_EVENT, TWO, keywords={keyword: "2, FL2,FL1,1, 0.25,1e-2,1"})).spill
    assert spill is not None
    assert spill.channels == ["FL2", "FL1"]
    assert spill.matrix.tolist() == [[1, 0.25], [0.01, 1]]


def test_spillover_by_channel_number(make_fcs: Make) -> None:
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords={"$SPILLOVER": "2,2,1,1,0.5,0,1"}))
    assert read.spill is not None
    assert read.spill.channels == ["FL2", "FL1"]
    assert read.warnings == ["$SPILLOVER names its channels by number."]
    named = [{"N": "2", "B": 32}, {"N": "1", "B": 32}]
    read = read_fcs(make_fcs(ONE_EVENT, named, keywords={"$SPILLOVER": "2,2,1,1,0.5,0,1"}))
    assert read.spill is not None and read.spill.channels == ["2", "1"] and read.warnings == []


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("2,FL1,FL2,1,0,0", "the spillover matrix has the wrong size; found 'n = 2 with 5 entries'"),
        ("3,FL1,FL2,1,0,0,1", "the spillover matrix has the wrong size"),
        ("0,FL1", "the spillover matrix has the wrong size"),
        ("99999999999999999999,FL1", "the spillover matrix has the wrong size"),
        ("x,FL1,1", "the spillover matrix has the wrong size"),
        ("2,FL1,FL2,1,0,nan,1", "the spillover matrix holds NaN or infinity"),
        ("2,FL1,FL2,1,0,1e999,1", "the spillover matrix holds NaN or infinity"),
        ("2,FL1,FL2,1,0,,1", "the spillover matrix holds no number"),
        ("2,FL1,FL3,1,0,0,1", "no such channel; found 'FL3'; expected one of FL1, FL2; did you mean"),
        ("2,1,3,1,0,0,1", "no such channel; found '1'"),
        ("2,FL1,FL1,1,0,0,1", "the spillover matrix names a channel twice"),
    ],
)
def test_faulty_spillover_is_refused(make_fcs: Make, value: str, named: str) -> None:
    path = make_fcs(ONE_EVENT, TWO, keywords={"$SPILLOVER": value})
    with pytest.raises(ReadError, match=named) as refused:
        read_fcs(path)
    assert refused.value.column == "$SPILLOVER"
    assert refused.value.file == str(path)


def test_odd_spillover_is_a_warning(make_fcs: Make) -> None:
    both = {"$SPILLOVER": "1,FL1,1", "SPILL": "1,FL2,1"}
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords=both))
    assert read.spill is not None and read.spill.channels == ["FL1"]
    assert read.warnings == ["$SPILLOVER and SPILL differ; $SPILLOVER is taken."]
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords={"$SPILLOVER": "1,FL1,2"}))
    assert read.warnings == ["The diagonal of $SPILLOVER is not 1 throughout."]
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords={"$COMP": "2,1,0,0,1"}))
    assert read.spill is None
    assert read.warnings == ["The old keyword $COMP is not read; the data set counts as one without spillover."]
    assert read_fcs(make_fcs(ONE_EVENT, TWO, keywords={"$SPILLOVER": ""})).spill is None


@pytest.mark.parametrize("nothing", ["2,FL1,FL2,1,0,0,1", "0"])
@pytest.mark.parametrize("other", ["SPILL", "$SPILL"])
def test_nothing_spills_beside_a_real_matrix_is_refused(make_fcs: Make, nothing: str, other: str) -> None:
    keywords = {"$SPILLOVER": nothing, other: "2,FL1,FL2,1,0.25,0,1"}
    with pytest.raises(ReadError) as refused:
        read_fcs(make_fcs(ONE_EVENT, TWO, keywords=keywords))
    assert f"$SPILLOVER says that nothing spills over, {other} gives a spillover" in str(refused.value)


def test_a_real_matrix_beside_an_identity_is_taken(make_fcs: Make) -> None:
    keywords = {"$SPILLOVER": "2,FL1,FL2,1,0.25,0,1", "SPILL": "2,FL1,FL2,1,0,0,1"}
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords=keywords))
    assert read.spill is not None and read.spill.matrix.tolist() == [[1, 0.25], [0, 1]]
    assert read.warnings == ["$SPILLOVER and SPILL differ; $SPILLOVER is taken."]


@pytest.mark.parametrize("keyword", ["$SPILLOVER", "SPILL"])
def test_a_spillover_of_no_channel_is_none_with_a_warning(make_fcs: Make, keyword: str) -> None:
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords={keyword: "0"}))
    assert read.spill is None
    assert read.warnings == [f"{keyword} is of 0 channels; the data set counts as one without spillover."]


@pytest.mark.parametrize("values", ["1,1,1,1", "1,0,0,0"])
def test_a_singular_spillover_is_given_as_it_is_with_a_warning(make_fcs: Make, values: str) -> None:
    read = read_fcs(make_fcs(ONE_EVENT, TWO, keywords={"$SPILLOVER": f"2,FL1,FL2,{values}"}))
    assert read.spill is not None
    assert read.warnings[0] == "The matrix of $SPILLOVER is singular: it cannot be taken out."
    with pytest.raises(AnalysisError, match="a matrix that is singular or nearly so"):
        compensate(read.events, read.channels, read.spill.channels, read.spill.matrix)


def test_duplicate_names_are_read_but_not_looked_up(make_fcs: Make) -> None:
    three = [{"N": "FL1", "B": 32}, {"N": "FL1 ", "B": 32}, {"N": "FL2", "B": 32}]
    read = read_fcs(make_fcs(bytes(12), three))
    assert read.warnings == ["Several channels share a name and cannot be looked up by it: FL1."]
    assert read.index("FL2") == 2
    with pytest.raises(ReadError, match=r"more than one channel has this name; found 'FL1'.*\$P1N, \$P2N"):
        read.index("FL1")
    with pytest.raises(
        ReadError, match="no such channel; found 'fl2'; expected one of FL1, FL1, FL2; did you mean 'FL2'"
    ):
        read.index("fl2")
    with pytest.raises(ReadError, match=r"column \$SPILLOVER: more than one channel has this name"):
        read_fcs(make_fcs(bytes(12), three, keywords={"$SPILLOVER": "1,FL1,1"}))


def test_compensated_channels_are_pointed_out(make_fcs: Make) -> None:
    read = read_fcs(make_fcs(ONE_EVENT, [{"N": "Comp-FL1", "B": 32}, TWO[1]]))
    assert read.warnings == ["Channels named Comp- hold compensated values; they must not be compensated again."]


def _mutant(raw: bytes, text_end: int, draw: random.Random) -> bytes:
    """Change HEADER or TEXT in one place: a byte, a run of bytes, a digit, a keyword's value, or a cut."""
    at = draw.randrange(text_end)
    kind = draw.randrange(6)
    if kind == 0:
        return raw[:at] + bytes([draw.randrange(256)]) + raw[at + 1 :]
    if kind == 1:
        return raw[:at] + draw.randbytes(draw.randrange(1, 9)) + raw[at:]
    if kind == 2:
        return raw[:at] + raw[at + draw.randrange(1, 9) :]
    if kind == 3:
        digits = [place for place in range(text_end) if raw[place : place + 1].isdigit()]
        at = draw.choice(digits)
        return raw[:at] + str(draw.randrange(10)).encode() + raw[at + 1 :]
    if kind == 4:
        parts = raw[:text_end].split(b"/")
        values = [b"", b"0", b"-1", b"4294967296", b"9" * 30, b"nan", b"1e999", b"A", b"I", b"D", b"3,4,1,2", b"\xff"]
        parts[draw.randrange(2, len(parts) - 1, 2)] = draw.choice(values)
        return b"/".join(parts) + raw[text_end:]
    return raw[: draw.randrange(len(raw))]


def test_damaged_files_are_refused_or_read_the_same(make_fcs: Make) -> None:
    events = np.arange(1, 21, dtype="<f4").reshape(10, 2) * 10
    path = make_fcs(events.tobytes(), TWO, keywords={"$SPILLOVER": "2,FL1,FL2,1,0.1,0,1", "$CYT": "X//Y"})
    raw = path.read_bytes()
    draw, refused = random.Random(1), 0
    for number in range(400):
        path.write_bytes(_mutant(raw, raw.index(b"   ", 100), draw))
        try:
            read = read_fcs(path)
            list_data_sets(path)
        except TilseqError as error:
            refused += 1
            assert str(path) in str(error), number
        else:
            same: Any = read.events.shape == events.shape and np.array_equal(read.events, events)
            assert same or read.warnings, number
    assert 100 < refused < 390


def test_importing_the_reader_is_light() -> None:
    code = (
        "import sys, tilseq.io.fcs; "
        "print([name for name in ('polars', 'scipy', 'pandas', 'flowio', 'pydantic') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
