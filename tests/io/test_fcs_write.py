import flowio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io.fcs import read_fcs
from tilseq.io.fcs_write import header_and_text, write_fcs

EXTREMES = {
    "float32": np.array([[0.0, -1.5], [3.4028234e38, 1e-45], [262_144.25, -3.4028234e38]], np.float32),
    "uint16": np.array([[0, 65_535], [1, 256], [32_768, 65_534]]),
    "uint32": np.array([[0, 4_294_967_295], [1, 65_536], [2_147_483_648, 16_777_217]]),
}
# Laid out by hand: 58 bytes of header, TEXT from 58, DATA at once behind it.
TEXT = (
    "|$BEGINANALYSIS|0|$ENDANALYSIS|0|$BEGINSTEXT|0|$ENDSTEXT|0|$BYTEORD|1,2,3,4|$DATATYPE|I|$MODE|L|$NEXTDATA|0|$PAR|1"
    "|$P1B|16|$P1E|0,0|$P1R|65536|$P1N|CD3-A|$CYT|x|$TOT|2|$BEGINDATA|254|$ENDDATA|257|"
).replace("|", "\f")


def test_bytes_are_those_of_the_standard(tmp_path):
    write_fcs(tmp_path / "a.fcs", [[1], [258]], ["CD3-A"], keywords={"$cyt": "x"}, kind="uint16")
    head = "FCS3.1    " + "      58     253     254     257       0       0"
    assert (tmp_path / "a.fcs").read_bytes() == (head + TEXT).encode() + b"\x01\x00\x02\x01"


@pytest.mark.parametrize("kind", EXTREMES)
def test_flowio_reads_back_what_was_written(tmp_path, kind):
    path, events = tmp_path / "a.fcs", EXTREMES[kind]
    write_fcs(
        path,
        events,
        ["FSC-A", "PE-A"],
        markers=[None, "CD8 α/β"],
        spill=(["PE-A"], [[1.0]]),
        keywords={"$SMNO": "a/b|c\\d", "$P2G": "2.5"},
        kind=kind,
    )
    read = flowio.FlowData(str(path))
    assert np.array_equal(read.as_array(preprocess=False), events.astype(np.float64))
    assert (read.pnn_labels, read.pns_labels) == (["FSC-A", "PE-A"], ["", "CD8 α/β"])
    assert read.text["smno"] == "a/b|c\\d"
    assert read.text["p2g"] == "2.5"
    assert read.text["spillover"] == "1,PE-A,1"


def test_our_reader_reads_back_what_was_written(tmp_path):
    matrix = [[1, 0.125], [0.0000015, 1]]
    write_fcs(tmp_path / "a.fcs", [[1.5, -2.0]], ["A", "B"], markers=["CD3", ""], spill=(["A", "B"], matrix))
    read = read_fcs(tmp_path / "a.fcs")
    assert read.events.tolist() == [[1.5, -2.0]]
    assert (read.channels, read.markers, read.warnings) == (["A", "B"], ["CD3", ""], [])
    assert read.spill.matrix.tolist() == matrix


def test_a_real_file_survives(tmp_path, shared_data):
    real = flowio.FlowData(str(shared_data / "flow" / "tcell_memory_16c_10k.fcs"))
    events = real.as_array(preprocess=False)
    write_fcs(tmp_path / "a.fcs", events, real.pnn_labels, markers=real.pns_labels)
    again = flowio.FlowData(str(tmp_path / "a.fcs"))
    assert np.array_equal(again.as_array(preprocess=False), events)
    assert again.pns_labels == real.pns_labels


def test_no_events_is_a_file_too(tmp_path):
    write_fcs(tmp_path / "a.fcs", np.empty((0, 2)), ["A", "B"])
    assert flowio.FlowData(str(tmp_path / "a.fcs"), only_text=True).event_count == 0


def test_the_same_input_gives_the_same_bytes_whatever_its_layout_in_memory(tmp_path):
    events = np.arange(140_000, dtype=np.float64).reshape(70_000, 2)
    write_fcs(tmp_path / "a.fcs", events, ["A", "B"])
    write_fcs(tmp_path / "b.fcs", np.asfortranarray(events), ["A", "B"])
    assert (tmp_path / "a.fcs").read_bytes() == (tmp_path / "b.fcs").read_bytes()


@given(st.integers(0, 10**13), st.integers(0, 10**9), st.integers(1, 700))
def test_offsets_are_right_at_any_size(data_bytes, events, length):
    head = header_and_text({"$COM": "x" * length}, events, data_bytes)
    pairs = head[59:-1].decode().split("\f")
    text = dict(zip(pairs[::2], pairs[1::2], strict=True))
    begin, end = int(text["$BEGINDATA"]), int(text["$ENDDATA"])
    assert begin == len(head)
    assert end - begin + 1 == data_bytes
    in_header = tuple(int(head[i : i + 8]) for i in range(10, 58, 8))
    assert in_header == (58, begin - 1, *((begin, end) if end <= 99_999_999 else (0, 0)), 0, 0)


@pytest.mark.parametrize(
    ("data_bytes", "offsets"),
    [(99_999_902, b"      9899999999"), (99_999_903, b"       0       0")],
)
def test_data_offsets_leave_the_header_after_eight_digits(data_bytes, offsets):
    # With one event and no further keyword TEXT is 40 bytes long, 41 once $ENDDATA has nine digits.
    assert header_and_text({}, 1, data_bytes)[26:42] == offsets


@pytest.mark.slow
def test_a_file_beyond_the_header_reads_back(tmp_path):
    events = np.zeros((1_300_000, 20), np.float32)
    events[-1] = np.arange(20)
    write_fcs(tmp_path / "a.fcs", events, [f"C{i}" for i in range(20)])
    assert (tmp_path / "a.fcs").read_bytes()[26:42] == b"       0       0"
    assert flowio.FlowData(str(tmp_path / "a.fcs")).as_array(preprocess=False)[-1].tolist() == list(range(20))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (float("nan"), "float32"),
        (float("inf"), "float32"),
        (1e39, "float32"),
        (-1, "uint16"),
        (65_536, "uint16"),
        (0.5, "uint16"),
        (float("nan"), "uint32"),
        (2**32, "uint32"),
    ],
)
def test_a_value_that_does_not_fit_is_named_and_nothing_is_written(tmp_path, value, kind):
    with pytest.raises(TableError, match=r"column B: event 1 holds a value that"):
        write_fcs(tmp_path / "a.fcs", [[1, 2], [3, value]], ["A", "B"], kind=kind)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"channels": ["A"]}, "do not match the channels"),
        ({"channels": ["A", "A"]}, "unique"),
        ({"channels": ["A", "B,C"]}, "without commas"),
        ({"channels": ["A", ""]}, "without control characters"),
        ({"channels": ["A", "B\f"]}, "without control characters"),
        ({"events": [1, 2]}, "do not match the channels"),
        ({"events": [["a", "b"]]}, "must be numbers"),
        ({"events": [[1j, 1]]}, "must be numbers"),
        ({"markers": ["CD3"]}, "one marker a channel"),
        ({"keywords": {"$ptot": ""}}, "without control characters"),
        ({"keywords": {"$Tot": "5"}}, "set by the writer"),
        ({"keywords": {"$P12R": "5"}}, "set by the writer"),
        ({"keywords": {"$CYT": "a", "$cyt": "b"}}, "given twice"),
        ({"keywords": {"é": "a"}}, "printable ASCII"),
        ({"spill": (["A", "C"], np.eye(2))}, "must be a channel"),
        ({"spill": (["A", "B"], np.eye(3))}, "square and finite"),
        ({"spill": (["A"], [[np.nan]])}, "square and finite"),
        ({"kind": "float64"}, "no such number type"),
    ],
)
def test_what_cannot_stand_in_a_file_is_refused(tmp_path, changes, message):
    call = {"events": [[1.0, 2.0]], "channels": ["A", "B"]} | changes
    with pytest.raises(TableError, match=message):
        write_fcs(tmp_path / "a.fcs", call.pop("events"), call.pop("channels"), **call)
    assert list(tmp_path.iterdir()) == []
