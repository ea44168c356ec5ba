"""Faulty and hostile input of the flow laboratory, the way a user meets it: `tilseq flow count`, exit code and message.

Each of the 18 rows of the list has its test here; more cases of a row, down to single keywords, stand in

====  ==============================  ==============================================================================
row   input                           more cases
====  ==============================  ==============================================================================
1-3   empty, too short, other kind    tests/io/test_fcs_header.py, tests/io/test_kinds.py, tests/runs/
                                      test_hostile_inputs.py (in a run)
4     cut                             tests/io/test_fcs_header.py; what is left of a cut file is never read
5     $TOT against DATA               tests/io/test_fcs_data.py, test_mutants.py
6     sizes beyond the file           tests/io/test_fcs_data.py (memory by tracemalloc)
7     HEADER against TEXT             tests/io/test_fcs_data.py, test_mutants.py
8     byte orders and types           tests/io/test_fcs_data.py (any layout, by hypothesis), test_mutants.py
9     $PnE, $PnG, $PnR                tests/io/test_fcs_data.py
10    names twice or empty            tests/io/test_fcs.py, test_panel.py
11    delimiters                      tests/io/test_fcs_header.py (any value, by hypothesis)
12    several data sets               tests/io/test_fcs_header.py, tests/io/test_fcs.py (real files)
13    spillover                       tests/io/test_fcs.py, tests/io/test_spill.py, test_compensation.py
14    compensated or transformed      test_compensation.py, test_gating.py, tests/io/test_gate_columns.py
15    NaN, constant, 0 or 1 event     test_gating.py
16    panels that differ              test_panel.py
17    GatingML                        tests/io/test_gatingml_read.py, tests/io/test_xml_text.py
18    FlowJo workspace                tests/io/test_flowjo.py
====  ==============================  ==============================================================================
"""

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from tests.flow.fcs_files import DATA_AT, Parts, build, parts_of, simulated, spill_of, spill_text
from tilseq.cli import root
from tilseq.flow import compensate
from tilseq.io.fcs import read_fcs

CD4 = 7  # the number of its channel in a tube of panel tbnk


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulated(tmp_path_factory.mktemp("tubes") / "sound.fcs", "tbnk")


@pytest.fixture(scope="module")
def parts(sound: Path) -> Parts:
    return parts_of(sound)


def count(*arguments: object) -> tuple[int, pl.DataFrame, str]:
    """Run `tilseq flow count`; return its exit code, its table (empty where there is none) and what it told."""
    done = CliRunner().invoke(root, ["flow", "count", *map(str, arguments)], standalone_mode=False)
    assert done.exception is None, done.exception
    table = pl.read_csv(done.stdout.encode()) if done.stdout else pl.DataFrame({"sample": []})
    return done.return_value or 0, table, done.stderr


def events(path: Path, *arguments: object) -> tuple[dict[str, int], str, str]:
    """Count one tube that can be counted; return population → events, its verdict and the reason."""
    code, table, told = count(path, *arguments)
    assert code == 0, told
    return dict(table.select("population", "events").iter_rows()), table["verdict"][0], table["reason"][0] or ""


def spoiled(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def raw(parts: Parts) -> bytes:
    return build(parts)


def with_keywords(**keywords: Any) -> Callable[[Parts], bytes]:
    return lambda parts: build(parts, {f"${key}": value for key, value in keywords.items()})


def with_spill(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Parts], bytes]:
    def make(parts: Parts) -> bytes:
        found = spill_of(parts)
        assert found is not None
        return build(parts, {found[0]: spill_text(found[1], change(found[2]))})

    return make


def moved(step: int) -> Callable[[Parts], bytes]:
    return lambda parts: build(parts, header=(DATA_AT + step, parts.end + step))


REFUSED: list[tuple[str, Callable[[Parts], bytes], str]] = [
    ("row 1, empty", lambda parts: b"", "the file is empty"),
    ("row 2, 10 bytes", lambda parts: raw(parts)[:10], "too short for an FCS file; found '10 bytes'"),
    ("row 3, zip", lambda parts: b"PK\x03\x04" + bytes(99), "not an FCS file; found 'a zip file'"),
    ("row 3, HTML", lambda parts: b"<!DOCTYPE html><html></html>", "found 'an HTML or XML page'"),
    ("row 3, LFS", lambda parts: b"version https://git-lfs.github.com/spec/v1\n", "found 'a Git-LFS pointer"),
    ("row 4, byte 1", lambda parts: raw(parts)[:1], "found '1 bytes'; expected at least 58 bytes"),
    ("row 4, in TEXT", lambda parts: raw(parts)[:300], "the file is cut inside TEXT; found '242 bytes'; expected"),
    ("row 4, half", lambda parts: raw(parts)[: DATA_AT + 30_000], "inside DATA; found '30000 bytes'; expected 60000"),
    ("row 5, above", with_keywords(TOT=3001), "$TOT does not fit DATA; found '3001 events"),
    ("row 5, below", with_keywords(TOT=2999), "$TOT does not fit DATA; found '2999 events"),
    ("row 7, HEADER", moved(2), "HEADER and TEXT differ on where DATA lies"),
    ("row 7, TEXT", with_keywords(BEGINDATA=DATA_AT - 20), "HEADER and TEXT differ on where DATA lies"),
    ("row 8, order", with_keywords(BYTEORD="3,4,1,2"), "$BYTEORD is not supported; found '3,4,1,2'"),
    ("row 8, type", with_keywords(DATATYPE="A"), "$DATATYPE is not supported; found 'A'"),
    ("row 8, mixed", with_keywords(P1DATATYPE="F"), "a channel's own type needs FCS 3.2; found 'F'"),
    ("row 10, name twice, by the spillover", with_keywords(P2N="FITC-A"), "more than one channel has this name"),
    ("row 10, name twice", with_keywords(P4N="SSC-A", SPILLOVER=None), "several channels answer to SSC-A"),
    (
        "row 10, a namesake without a marker",
        with_keywords(P2N="FITC-A", SPILLOVER=None),
        "more than one channel bears the name of the channel of CD3",
    ),
    ("row 10, markers empty", with_keywords(**{f"P{n}S": None for n in range(1, 11)}), "no channel for CD3, CD4, CD8"),
    ("row 10, marker twice", with_keywords(P8S="CD4 APC"), "several channels answer to CD4: PE-Cy7-A (CD4 PE-Cy7)"),
    (
        "row 11, not escaped",
        lambda parts: build(parts, {"$CYT": "a#b"}).replace(b"a#b", b"a|b"),
        "keywords and values of TEXT are shifted",
    ),
    ("row 13, singular", with_spill(np.ones_like), "a matrix that is singular or nearly so"),
    ("row 13, NaN", with_spill(lambda matrix: matrix * np.nan), "the spillover matrix holds NaN or infinity"),
    ("row 13, channel", with_keywords(SPILLOVER="2,FITC-A,PE,1,0,0,1"), "no such channel; found 'PE'"),
    ("row 13, n", with_keywords(SPILLOVER="3,FITC-A,PE-A,1,0,0,1"), "the spillover matrix has the wrong size"),
    (
        "row 14, transformed",
        lambda parts: build(parts, {"TRANSFORMATION": "custom"}),
        "the file's values are transformed, so its spillover cannot be taken out any more",
    ),
    ("row 15, no event", lambda parts: build(parts, {"$TOT": 0}, data=b""), "the tube holds no event"),
    (
        "row 15, one event",
        lambda parts: build(parts, {"$TOT": 1}, data=parts.data[: parts.row]),
        "the channel of FSC-A holds one value only",
    ),
]


@pytest.mark.parametrize(("make", "message"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_rows_1_to_15_what_cannot_be_counted_is_told_and_the_other_tube_is_counted(
    parts: Parts, sound: Path, tmp_path: Path, make: Callable[[Parts], bytes], message: str
) -> None:
    bad = spoiled(tmp_path / "bad.fcs", make(parts))
    code, table, told = count(bad, sound)
    assert code == 4
    assert set(table["sample"]) == {"sound"}
    assert f"{bad}" in told and message in told and "Traceback" not in told
    assert count(bad)[0] == 3


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is read from /proc")
def test_row_6_sizes_beyond_the_file_take_no_memory(parts: Parts, sound: Path, tmp_path: Path) -> None:
    far = {"$BEGINDATA": 9_000_000_000, "$ENDDATA": 9_000_000_000 + len(parts.data) - 1}
    hostile = [
        {"$TOT": 4_000_000_000},
        {"$PAR": 100_000},
        {"$P1B": 2**31},
        far,
        {"$BEGINSTEXT": 1, "$ENDSTEXT": 9 * 10**9},
    ]
    paths = [spoiled(tmp_path / f"{n}.fcs", build(parts, keywords)) for n, keywords in enumerate(hostile)]
    paths.append(spoiled(tmp_path / "far.fcs", build(parts, far, header=(0, 0))))
    code = """if True:
        import os, resource, sys
        from tilseq.errors import ReadError
        from tilseq.flow.counts import count
        from tilseq.flow.gating import gate
        from tilseq.io.fcs import read_fcs
        count(gate(read_fcs(sys.argv[1]), sample="s"))
        now = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        limit = now + 3 * os.path.getsize(sys.argv[1]) + 200 * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for path in sys.argv[2:]:
            try:
                read_fcs(path)
            except ReadError as error:
                print(error.column or error.byte)
    """
    done = subprocess.run([sys.executable, "-c", code, sound, *paths], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["$TOT", "$PAR", "$P1B", "26", "1", "9000000000"], done.stderr


def test_row_7_one_byte_between_header_and_text_is_a_warning(parts: Parts, sound: Path, tmp_path: Path) -> None:
    numbers, verdict, reason = events(spoiled(tmp_path / "tube.fcs", build(parts, {"$ENDDATA": parts.end + 1})))
    assert numbers == events(sound)[0]
    assert verdict == "warn" and "HEADER and TEXT differ by one byte on where DATA lies" in reason


def test_row_8_the_other_byte_order_and_mixed_types_are_read_right(parts: Parts, sound: Path, tmp_path: Path) -> None:
    stored = np.frombuffer(parts.data, "<u2").reshape(-1, parts.channels)
    big = build(parts, {"$BYTEORD": "4,3,2,1"}, data=stored.astype(">u2").tobytes())
    first = {"$P1DATATYPE": "F", "$P1B": 32}
    rows = b"".join(struct.pack("<f9H", *map(int, row)) for row in stored)
    mixed = build(parts, first, data=rows, version="FCS3.2")
    for content in (big, mixed):
        assert events(spoiled(tmp_path / "tube.fcs", content)) == events(sound)


def test_row_9_amplification_gain_and_range_by_the_standard(parts: Parts, tmp_path: Path) -> None:
    # a tube of floats: $PnE counts for nothing, a gain of 0 is none, and $PnR masks integers alone
    tube = simulated(tmp_path / "floats.fcs", "t_state")
    changed = {"$P4E": "4,1", "$P5G": "0", "$P6R": "200001"}
    read = read_fcs(spoiled(tmp_path / "tube.fcs", build(parts_of(tube), changed)))
    assert np.array_equal(read.events, read_fcs(tube).events)
    _, verdict, reason = events(tmp_path / "tube.fcs")
    assert verdict == "warn"
    assert "$P4E says logarithmic, which float values are not" in reason and "$P5G is 0, which is no gain" in reason
    # of integers the bits above log2($PnR) are cleared: of 2 ** 16 - 1 with a range of 1,000 ten are left
    data = np.full((3, parts.channels), 2**16 - 1, "<u2").tobytes()
    read = read_fcs(spoiled(tmp_path / "tube.fcs", build(parts, {"$TOT": 3, "$P6R": 1000}, data=data)))
    assert read.events[:, 5].tolist() == [1023, 1023, 1023]
    assert read.warnings == ["Values had bits above $PnR, which were cleared as FCS demands: PerCP-Cy5-5-A (3)."]


def test_row_10_channels_are_bound_by_name(parts: Parts, sound: Path, tmp_path: Path) -> None:
    order = [9, 3, 1, 7, 0, 8, 2, 6, 5, 4]
    keywords: dict[str, Any] = {}
    for new, old in enumerate(order, start=1):
        keywords |= {f"$P{new}{letter}": parts.keywords.get(f"$P{old + 1}{letter}") for letter in "NSBER"}
    data = np.frombuffer(parts.data, "<u2").reshape(-1, parts.channels)[:, order].tobytes()
    assert events(spoiled(tmp_path / "tube.fcs", build(parts, keywords, data=data)))[0] == events(sound)[0]


def test_row_11_escaped_delimiters_and_empty_values(parts: Parts, sound: Path, tmp_path: Path) -> None:
    path = spoiled(tmp_path / "tube.fcs", build(parts, {"$COM": "a|b||c", f"$P{CD4}S": "CD4|PE-Cy7", "NOTE": ""}))
    numbers, verdict, reason = events(path)
    assert numbers == events(sound)[0]
    assert read_fcs(path).markers[CD4 - 1] == "CD4|PE-Cy7"
    assert verdict == "warn" and "1 keywords have no value" in reason


def test_row_12_several_data_sets_and_a_loop(parts: Parts, sound: Path, tmp_path: Path) -> None:
    size = len(build(parts))
    other = simulated(tmp_path / "other.fcs", "tbnk", seed=2)
    two = build(parts, {"$NEXTDATA": size}) + build(parts_of(other))
    numbers, verdict, reason = events(spoiled(tmp_path / "tube.fcs", two))
    assert numbers == events(sound)[0]
    assert verdict == "warn" and "The file holds 2 data sets; the first was read" in reason
    assert np.array_equal(read_fcs(tmp_path / "tube.fcs", data_set=1).events, read_fcs(other).events)
    loop = build(parts, {"$NEXTDATA": size}) + build(parts, {"$NEXTDATA": size})
    _, verdict, reason = events(spoiled(tmp_path / "tube.fcs", loop))
    assert verdict == "warn" and "cannot be reached: $NEXTDATA of data set 1" in reason


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (np.transpose, "compensation: the file's spillover does not fit"),
        (lambda matrix: 2 * matrix, "The diagonal of $SPILLOVER is not 1 throughout"),
    ],
)
def test_row_13_a_spillover_that_does_not_fit_is_told(
    parts: Parts, sound: Path, tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], told: str
) -> None:
    assert events(sound)[1:] == ("pass", "")
    _, verdict, reason = events(spoiled(tmp_path / "tube.fcs", with_spill(change)(parts)))
    assert verdict == "warn" and told in reason


def test_row_14_what_is_compensated_already_is_not_compensated_again(parts: Parts, sound: Path, tmp_path: Path) -> None:
    tube = read_fcs(sound)
    assert tube.spill is not None
    values = compensate(tube.events, tube.channels, tube.spill.channels, tube.spill.matrix)
    names = {f"$P{number}N": f"Comp-{tube.channels[number - 1]}" for number in range(4, 10)}
    matrix = spill_text([f"Comp-{name}" for name in tube.spill.channels], tube.spill.matrix)
    floats = {f"$P{number}B": 32 for number in range(1, 11)}
    keywords = {"$DATATYPE": "F", "$SPILLOVER": matrix, **names, **floats}
    path = spoiled(tmp_path / "tube.fcs", build(parts, keywords, data=np.asarray(values, "<f4", order="C").tobytes()))
    numbers, _, reason = events(path)
    assert numbers == events(sound)[0]
    assert "Channels named Comp- hold compensated values" in reason


def test_row_15_values_that_are_not_finite_and_constant_channels(tmp_path: Path) -> None:
    tube = parts_of(simulated(tmp_path / "floats.fcs", "t_state"))
    values = np.frombuffer(tube.data, "<f4").reshape(-1, tube.channels).copy()
    cd3 = [number for number in range(tube.channels) if tube.keywords.get(f"$P{number + 1}S", "").startswith("CD3 ")]
    values[:10, cd3] = np.nan
    values[10:20, 0] = np.inf
    values[20:30, -1] = 1e30  # a clock that no cytometer has
    numbers, verdict, reason = events(spoiled(tmp_path / "tube.fcs", build(tube, data=values.tobytes())))
    assert numbers["all events"] == len(values) - 30
    assert verdict == "warn" and "30 events with a value that is not a finite number are left out" in reason
    values[:, cd3] = 7  # compensation alone would lend it a spread
    code, _, told = count(spoiled(tmp_path / "tube.fcs", build(tube, data=values.tobytes())))
    assert code == 3 and "the channel of CD3 holds one value only" in told


def test_row_16_each_tube_is_counted_by_its_own_panel(sound: Path, tmp_path: Path) -> None:
    other = simulated(tmp_path / "other.fcs", "t_state")
    _, table, _ = count(sound, other)
    of_each = {name: set(rows["population"]) for (name,), rows in table.group_by("sample")}
    assert of_each["sound"] - of_each["other"] == {"B", "NK"} and of_each["other"] - of_each["sound"] == {"live"}
    together = {(row["sample"], row["population"]): row["events"] for row in table.iter_rows(named=True)}
    alone = {(path.stem, name): n for path in (sound, other) for name, n in events(path)[0].items()}
    assert together == alone


RANGE = (
    '<gating:RectangleGate gating:id="{}"{}><gating:dimension gating:compensation-ref="uncompensated" gating:min="1">'
    '<data-type:fcs-dimension data-type:name="FSC-A"/></gating:dimension></gating:RectangleGate>'
)
SPACES = "".join(
    f' xmlns:{name}="http://www.isac-net.org/std/Gating-ML/v2.0/{space}"'
    for name, space in (("gating", "gating"), ("data-type", "datatypes"))
)


def gatingml(*gates: tuple[str, str | None], before: str = "") -> str:
    inside = [RANGE.format(name, f' gating:parent_id="{parent}"' if parent else "") for name, parent in gates]
    return f"{before}<gating:Gating-ML{SPACES}>{''.join(inside)}</gating:Gating-ML>"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (gatingml(("T", None), before="<!DOCTYPE a [<!ENTITY b 'c'>]>"), "declares a document type or an entity"),
        (gatingml(("A", "B"), ("B", "A")), "in a circle; found '"),
        (gatingml(("T", "Lymphocytes")), "the parent that gate T refers to is missing; found 'Lymphocytes'"),
        (gatingml(("g0", None), *((f"g{i}", f"g{i - 1}") for i in range(1, 102))), "is nested too deep; expected at"),
        (gatingml(*((f"g{i}", None) for i in range(1001))), "holds too many gates; found 1001; expected at most 1000"),
        ("<a>" * 1_000_000, "the XML cannot be read"),
    ],
    ids=["DOCTYPE", "circle", "no parent", "deep", "many", "a million levels"],
)
def test_row_17_hostile_gatingml_is_refused(sound: Path, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "gates.xml").write_text(text)
    code, table, told = count(sound, "--gates", tmp_path / "gates.xml", "--name", "T=CD3+")
    assert code == 3 and table.is_empty()
    assert str(tmp_path / "gates.xml") in told and message in told and "Traceback" not in told


@pytest.mark.parametrize(
    ("tube", "channel", "message"),
    [
        ("absent", "FSC-A", "the workspace holds no such sample; found 'absent.fcs'; expected one of sound.fcs"),
        ("sound", "Comp-Pacific Blue-A", "gate T of sample sound.fcs is on a channel that the tube does not have"),
    ],
)
def test_row_18_a_workspace_for_another_tube_is_refused(
    sound: Path, tmp_path: Path, tube: str, channel: str, message: str
) -> None:
    spaces = SPACES + ' xmlns:transforms="http://www.isac-net.org/std/Gating-ML/v2.0/transformations"'
    gate = RANGE.format("T", "").replace("FSC-A", channel).replace(' gating:compensation-ref="uncompensated"', "")
    (tmp_path / "gates.wsp").write_text(
        f'<Workspace version="20.0" flowJoVersion="10.8.1"{spaces}><Groups><GroupNode name="All"><Group><SampleRefs>'
        '<SampleRef sampleID="1"/></SampleRefs></Group></GroupNode></Groups><SampleList><Sample>'
        '<DataSet uri="sound.fcs" sampleID="1"/><Transformations/><Keywords/>'
        '<SampleNode name="sound.fcs" sampleID="1"><Subpopulations><Population name="T" owningGroup="">'
        f"<Gate>{gate}</Gate></Population></Subpopulations></SampleNode></Sample></SampleList></Workspace>"
    )
    path = spoiled(tmp_path / f"{tube}.fcs", sound.read_bytes())
    code, _, told = count(path, "--gates", tmp_path / "gates.wsp", "--name", "T=CD3+")
    assert code == 3
    assert str(tmp_path / "gates.wsp") in told and message in told and "Traceback" not in told
