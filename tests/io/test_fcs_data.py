"""Where DATA lies, how values are stored, and the linear scale."""

import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tilseq.errors import ReadError
from tilseq.io.fcs import read_fcs

Make = Callable[..., Path]
TWO = [{"N": "FL1", "B": 32}, {"N": "FL2", "B": 32}]
SIX_FLOATS = struct.pack("<6f", 1, -2, 3, 4.5, 5, 6e10)
AS_TABLE = np.array([[1, -2], [3, 4.5], [5, 6e10]], np.float32)


def integers(*bits: int, **more: Any) -> list[dict[str, Any]]:
    return [{"N": f"P{place}", "B": width, "R": 2**width, **more} for place, width in enumerate(bits)]


def test_float32_in_both_orders(make_fcs: Make) -> None:
    assert np.array_equal(read_fcs(make_fcs(SIX_FLOATS, TWO)).events, AS_TABLE)
    big = struct.pack(">6f", 1, -2, 3, 4.5, 5, 6e10)
    read = read_fcs(make_fcs(big, TWO, keywords={"$BYTEORD": "4,3,2,1"}))
    assert np.array_equal(read.events, AS_TABLE)
    assert read.events.dtype == np.float32 and read.events.flags.c_contiguous and read.warnings == []


def test_float64_is_rounded_with_a_warning(make_fcs: Make) -> None:
    read = read_fcs(
        make_fcs(
            struct.pack(">2d", 0.1, 1e-300), [{"N": "FL1", "B": 64}], keywords={"$DATATYPE": "D", "$BYTEORD": "4,3,2,1"}
        )
    )
    assert read.events.tolist() == [[np.float32(0.1)], [0.0]]
    assert read.warnings == ["64-bit floats are held as 32-bit floats, to 7 digits: FL1."]


def test_a_value_too_large_for_float32_is_refused(make_fcs: Make) -> None:
    with pytest.raises(ReadError, match="larger than 32-bit floats hold; found 'events 0 to 1'"):
        read_fcs(make_fcs(struct.pack("<2d", 1, 1e39), [{"N": "FL1", "B": 64}], keywords={"$DATATYPE": "D"}))
    with pytest.raises(ReadError, match="larger than 32-bit floats hold"):
        read_fcs(make_fcs(struct.pack("<2f", 1, 2), [{"N": "FL1", "B": 32, "G": "1e-39"}]))
    with pytest.raises(ReadError, match="larger than 32-bit floats hold"):
        channel = {"N": "FL1", "B": 8, "R": 256, "E": "900,1"}
        read_fcs(make_fcs(b"\xff", [channel], keywords={"$DATATYPE": "I"}))


@pytest.mark.parametrize("order", ["little", "big"])
def test_integers_of_every_width(make_fcs: Make, order: Any) -> None:
    widths = (8, 16, 24, 32, 40, 48, 56, 64)
    rows = [
        [(place * 31 + row) * 256 ** (width // 8 - 1) + row for place, width in enumerate(widths)] for row in (0, 3)
    ]
    data = b"".join(v.to_bytes(w // 8, order) for row in rows for v, w in zip(row, widths, strict=True))
    byteord = "1,2,3,4" if order == "little" else "4,3,2,1"
    path = make_fcs(data, integers(*widths), keywords={"$DATATYPE": "I", "$BYTEORD": byteord})
    assert np.array_equal(read_fcs(path).events, np.array(rows, np.float64).astype(np.float32))


def test_integers_above_24_bits_are_rounded_with_a_warning(make_fcs: Make) -> None:
    data = struct.pack("<2I", 16_777_216, 16_777_217)
    read = read_fcs(make_fcs(data, integers(32), keywords={"$DATATYPE": "I"}))
    assert read.events.tolist() == [[16_777_216], [16_777_216]]
    assert read.warnings == ["Whole numbers above 16,777,216 are rounded to 32-bit floats: P0 (1)."]


@pytest.mark.parametrize(
    ("stated", "expected"), [("1024", 5), ("1000", 5), ("1025", 1029), ("512", 5), ("65536.0", 31749), ("4", 1)]
)
def test_bits_above_the_range_are_cleared(make_fcs: Make, stated: str, expected: int) -> None:
    # 31749 is 0b111110000000101; of it count ceil(log2(R)) bits
    path = make_fcs(struct.pack("<2H", 31749, 0), [{"N": "FL1", "B": 16, "R": stated}], keywords={"$DATATYPE": "I"})
    read = read_fcs(path)
    assert read.events.tolist() == [[expected], [0]]
    assert read.warnings == (
        [] if expected == 31749 else ["Values had bits above $PnR, which were cleared as FCS demands: FL1 (1)."]
    )


@pytest.mark.parametrize(
    ("amplification", "expected"),
    [("4,1", [1.0, 100.0, 9910.465]), ("4,0", [1.0, 100.0, 9910.465]), (" 4.0,0.1024", [0.1024, 10.24, 1014.8316])],
)
def test_logarithmic_integers_become_linear(make_fcs: Make, amplification: str, expected: list[float]) -> None:
    # f2 * 10 ** (f1 * x / R) at x = 0, 512, 1023 of R = 1024
    channel = {"N": "FL1", "B": 16, "R": 1024, "E": amplification}
    read = read_fcs(make_fcs(struct.pack("<3H", 0, 512, 1023), [channel], keywords={"$DATATYPE": "I"}))
    assert read.events[:, 0] == pytest.approx(expected, rel=1e-6)
    assert read.warnings == []


def test_logarithm_on_floats_is_ignored(make_fcs: Make) -> None:
    read = read_fcs(make_fcs(SIX_FLOATS, [{"N": "FL1", "B": 32, "E": "4,1"}, {"N": "FL2", "B": 32, "E": None}]))
    assert np.array_equal(read.events, AS_TABLE)
    assert read.warnings == [
        "$P1E says logarithmic, which float values are not; it was ignored.",
        "$P2E is missing; the float values are taken as linear.",
    ]


def test_gain_divides_linear_channels_only(make_fcs: Make) -> None:
    gains = {"A": "2", "B": "0", "C": "8", "Time": "0.01"}
    channels = [{"N": name, "B": 16, "R": 1024, "G": gain} for name, gain in gains.items()]
    channels[2]["E"] = "4,1"
    read = read_fcs(
        make_fcs(struct.pack("<4H", 7, 7, 512, 7), channels, keywords={"$DATATYPE": "I", "$TIMESTEP": "0.5"})
    )
    assert read.events.tolist() == [[3.5, 7, 100, 7]]
    assert read.warnings == [
        "$P2G is 0, which is no gain; 1 was taken.",
        "$P3G is a gain on a logarithmic channel, which FCS does not allow; it was ignored.",
    ]
    floats = read_fcs(make_fcs(SIX_FLOATS, [{"N": "FL1", "B": 32, "G": 3}, TWO[1]]))
    assert floats.events[:, 0].tolist() == [np.float32(1 / 3), 1.0, np.float32(5 / 3)]


def test_mixed_types_of_fcs_32(make_fcs: Make) -> None:
    channels = [
        {"N": "Time", "B": 32, "R": 2**32, "DATATYPE": "I"},
        {"N": "FL1", "B": 32},
        {"N": "FL2", "B": 64, "DATATYPE": "D"},
        {"N": "Trigger", "B": 8, "R": 2, "DATATYPE": "I"},
        {"N": "Log", "B": 16, "R": 1024, "E": "4,1", "DATATYPE": "I"},
    ]
    data = struct.pack("<IfdBH", 10, 1.5, -0.25, 1, 256) + struct.pack("<IfdBH", 20, 2.5, 1e10, 0, 0)
    path = make_fcs(data, channels, version="FCS3.2", keywords={"$MODE": None})
    expected = [[10, 1.5, -0.25, 1, 10], [20, 2.5, np.float32(1e10), 0, 1]]
    assert read_fcs(path).events.tolist() == expected
    with pytest.raises(ReadError, match=r"\$P1DATATYPE: a channel's own type needs FCS 3.2; found 'I'; expected F"):
        read_fcs(make_fcs(data, channels))


KINDS = st.sampled_from([("F", 32), ("D", 64), *(("I", width) for width in range(8, 72, 8))])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(st.lists(KINDS, min_size=1, max_size=6), st.integers(0, 5), st.booleans(), st.randoms(use_true_random=False))
def test_any_layout_reads_as_its_bytes_say(
    make_fcs: Make, kinds: list[tuple[str, int]], rows: int, big: bool, random: Any
) -> None:
    data, expected = b"", []
    for _ in range(rows):
        for kind, width in kinds:
            number = random.getrandbits(width)
            if kind != "I":
                number = random.uniform(-1e6, 1e6)
                data += struct.pack((">" if big else "<") + ("f" if kind == "F" else "d"), number)
            else:
                data += number.to_bytes(width // 8, "big" if big else "little")
            expected.append(float(number))
    channels = [{"N": f"P{n}", "B": w, "R": 2**w, "DATATYPE": k} for n, (k, w) in enumerate(kinds)]
    order = "4,3,2,1" if big else "1,2,3,4"
    read = read_fcs(make_fcs(data, channels, version="FCS3.2", keywords={"$BYTEORD": order}))
    assert read.events.shape == (rows, len(kinds))
    assert np.array_equal(read.events.reshape(-1), np.array(expected).astype(np.float32))


@pytest.mark.parametrize(
    ("keywords", "named"),
    [
        ({"$MODE": "H"}, r"\$MODE: \$MODE is not supported; found 'H'; expected L"),
        ({"$MODE": None}, r"\$MODE: a required keyword is missing"),
        ({"$DATATYPE": "A"}, r"\$DATATYPE: \$DATATYPE is not supported; found 'A'; expected I, F or D"),
        ({"$DATATYPE": "D"}, r"\$P1B: the width does not fit \$DATATYPE D; found '32'; expected 64 bits"),
        ({"$DATATYPE": "I", "$P1B": "10"}, r"\$P1B: this width of an integer is not supported; found '10'"),
        ({"$DATATYPE": "I", "$P1B": "0"}, r"\$P1B: this width"),
        ({"$DATATYPE": "I", "$P1B": "2147483648"}, r"\$P1B: this width"),
        ({"$DATATYPE": "I", "$P1B": "*"}, r"\$P1B: a keyword is no whole number; found '\*'"),
        ({"$DATATYPE": "I", "$P1R": "0"}, r"\$P1R: a range is not possible; found '0'"),
        ({"$DATATYPE": "I", "$P1R": "nan"}, r"\$P1R: a keyword is no number; found 'nan'"),
        ({"$DATATYPE": "I", "$P1R": None}, r"\$P1R: a required keyword is missing"),
        ({"$DATATYPE": "I", "$P1E": None}, r"\$P1E: a required keyword is missing"),
        ({"$DATATYPE": "I", "$P1E": "4"}, r"\$P1E: an amplification cannot be read; found '4'"),
        ({"$DATATYPE": "I", "$P1E": "-4,1"}, r"\$P1E: an amplification cannot be read"),
        ({"$BYTEORD": "3,4,1,2"}, r"\$BYTEORD: \$BYTEORD is not supported; found '3,4,1,2'; expected 1,2,3,4 or"),
        ({"$BYTEORD": "2,1"}, r"\$BYTEORD: \$BYTEORD is not supported"),
        ({"$P1G": "-1"}, r"\$P1G: a gain is negative; found '-1'"),
        ({"$P1G": "1_0"}, r"\$P1G: a keyword is no number"),
        ({"$PAR": "0"}, r"\$PAR: the number of channels is not possible; found '0'; expected 1 to 10000"),
        ({"$PAR": "100000"}, r"\$PAR: the number of channels"),
        ({"$PAR": "3"}, r"\$P3N: a required keyword is missing"),
        ({"$PAR": "1"}, r"\$TOT: \$TOT does not fit DATA"),
        ({"$TOT": "2"}, r"\$TOT: \$TOT does not fit DATA; found '2 events .*24 bytes'; expected 16 bytes"),
        ({"$TOT": "4"}, r"\$TOT: \$TOT does not fit DATA; found '4 events .*24 bytes'; expected 32 bytes"),
        ({"$TOT": "4000000000"}, r"\$TOT: \$TOT does not fit DATA"),
        ({"$TOT": "9" * 5000}, r"\$TOT: a keyword is no whole number"),
        ({"$TOT": "-3"}, r"\$TOT: a keyword is no whole number"),
        ({"$TOT": None}, r"\$TOT: a required keyword is missing"),
        ({"$BEGINDATA": "4094", "$ENDDATA": "4117"}, "where DATA lies; found '4096 to 4119 and 4094 to 4117'"),
        ({"$BEGINDATA": "4097", "$ENDDATA": "4120"}, "HEADER and TEXT differ on where DATA lies"),
        ({"$BEGINDATA": "9000000000", "$ENDDATA": "9000000023"}, "HEADER and TEXT differ on where DATA lies"),
        ({"$ENDDATA": "4096"}, "HEADER and TEXT differ on where DATA lies"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_right_is_refused(make_fcs: Make, keywords: dict[str, Any], named: str) -> None:
    path = make_fcs(SIX_FLOATS, TWO, keywords=keywords)
    with pytest.raises(ReadError, match=named) as refused:
        read_fcs(path)
    assert refused.value.file == str(path)


def test_word_swapped_16_bit_integers_are_read(make_fcs: Make) -> None:
    for order, text in (("<", "1,2"), (">", "2,1")):
        path = make_fcs(struct.pack(order + "2H", 258, 1), integers(16), keywords={"$DATATYPE": "I", "$BYTEORD": text})
        assert read_fcs(path).events.tolist() == [[258], [1]]


@pytest.mark.parametrize(
    ("header", "in_text", "warning"),
    [
        ((4096, 4119), (4096, 4119), None),
        (None, (4096, 4119), None),
        ((0, 0), (4096, 4119), None),
        ((4096, 4119), (None, None), None),
        ((4096, 4119), (0, 0), None),
        ((4096, 4120), (4096, 4120), "DATA is said to end one byte too far (4096 to 4120); it was read from 4096 on."),
        ((4096, 4119), (4096, 4120), "(4096 to 4119 and 4096 to 4120); 4096 fits $TOT."),
        ((4096, 4119), (4097, 4119), "(4096 to 4119 and 4097 to 4119); 4096 fits $TOT."),
        ((4097, 4119), (4096, 4119), "(4097 to 4119 and 4096 to 4119); 4096 fits $TOT."),
    ],
)
def test_where_data_lies(make_fcs: Make, header: Any, in_text: Any, warning: str | None) -> None:
    keywords = dict(zip(("$BEGINDATA", "$ENDDATA"), in_text, strict=True))
    read = read_fcs(make_fcs(SIX_FLOATS + b" ", TWO, header=header, keywords={**keywords, "$TOT": 3}))
    assert np.array_equal(read.events, AS_TABLE)
    assert [text.endswith(warning or "") for text in read.warnings] == [True] * (warning is not None)


@pytest.mark.parametrize(
    ("header", "in_text", "named"),
    [
        (None, (None, None), "neither HEADER nor TEXT says where DATA lies"),
        ((4096, 4120), (4097, 4120), "HEADER and TEXT differ on where DATA lies"),
        ((4096, 4118), (4096, 4118), r"\$TOT does not fit DATA"),
        ((4096, 4121), (4096, 4121), r"\$TOT does not fit DATA"),
        ((4097, 4120), (4097, 4120), r"cut inside DATA; found '23 bytes'; expected 24 bytes"),
        ((200, 223), (200, 223), "DATA lies on HEADER or TEXT"),
        ((10, 33), (10, 33), "DATA lies on HEADER or TEXT"),
        ((4120, 4096), (4120, 4096), r"\$TOT does not fit DATA"),
    ],
)
def test_where_data_cannot_lie(make_fcs: Make, header: Any, in_text: Any, named: str) -> None:
    keywords = dict(zip(("$BEGINDATA", "$ENDDATA"), in_text, strict=True))
    with pytest.raises(ReadError, match=named):
        read_fcs(make_fcs(SIX_FLOATS, TWO, header=header, keywords=keywords))


def test_a_file_beyond_what_header_can_say(tmp_path: Path, make_fcs: Make) -> None:
    path = make_fcs(SIX_FLOATS, TWO, header=(0, 0), keywords={"$BEGINDATA": 100_000_000, "$ENDDATA": 100_000_023})
    with path.open("r+b") as stream:
        stream.seek(100_000_000)
        stream.write(SIX_FLOATS)
    assert np.array_equal(read_fcs(path).events, AS_TABLE)


def test_fcs_20_may_leave_out_the_number_of_events(make_fcs: Make) -> None:
    keywords = {"$TOT": None, "$BEGINDATA": None, "$ENDDATA": None}
    read = read_fcs(make_fcs(SIX_FLOATS, TWO, version="FCS2.0", keywords=keywords))
    assert np.array_equal(read.events, AS_TABLE)
    assert len(read.warnings) == 1
    with pytest.raises(ReadError, match=r"\$TOT: a required keyword is missing"):
        read_fcs(make_fcs(SIX_FLOATS + b"1234", TWO, version="FCS2.0", keywords=keywords))


@pytest.mark.parametrize("places", [(4096, 4095), (0, 0), (4096, 4096), (99999999, 99999998)])
def test_no_events(make_fcs: Make, places: tuple[int, int]) -> None:
    keywords = {"$BEGINDATA": places[0], "$ENDDATA": places[1], "$TOT": 0}
    assert read_fcs(make_fcs(b"", TWO, header=places, keywords=keywords)).events.shape == (0, 2)
    with pytest.raises(ReadError, match="TOT does not fit DATA|neither HEADER nor TEXT|cut inside DATA"):
        read_fcs(make_fcs(b"", TWO, header=places, keywords=keywords | {"$TOT": 1}))


def test_values_that_are_not_finite_are_kept_and_counted(make_fcs: Make) -> None:
    data = struct.pack("<6f", 1, np.nan, np.inf, 4, 5, -np.inf)
    read = read_fcs(make_fcs(data, TWO))
    assert np.array_equal(read.events, [[1, np.nan], [np.inf, 4], [5, -np.inf]], equal_nan=True)
    assert read.warnings == [
        "Values are NaN or infinite; gating leaves an event out that has one in a channel it uses: FL1 (1), FL2 (2)."
    ]


def test_integers_taken_for_floats_are_refused(make_fcs: Make) -> None:
    with pytest.raises(ReadError, match="DATA cannot be read as TEXT says; found 'values .* in 2 of 2 channels'"):
        read_fcs(make_fcs(struct.pack("<20I", *range(20)), TWO))


def test_integers_taken_for_floats_in_one_channel_give_a_warning(make_fcs: Make) -> None:
    data = struct.pack("<IfIf", 10, 1.5, 20, 2.5)
    read = read_fcs(make_fcs(data, TWO))
    assert read.events[:, 1].tolist() == [1.5, 2.5]
    assert read.warnings == [
        "Values are smaller than 1e-18 or larger than 1e18; $BYTEORD, $DATATYPE or DATA's offset may be off: FL1 (2)."
    ]


@pytest.mark.parametrize("width", [16, 24, 32])
@pytest.mark.parametrize("order", ["little", "big"])
def test_integers_in_the_other_order_of_bytes_give_a_warning(make_fcs: Make, order: Any, width: int) -> None:
    light = np.random.default_rng(1).lognormal(8, 0.5, (500, 2)).astype(int)

    def warned(scale: int, stated: str) -> bool:
        data = b"".join((int(value) * scale % 2**width).to_bytes(width // 8, order) for value in light.reshape(-1))
        keywords = {"$DATATYPE": "I", "$BYTEORD": "1,2,3,4" if stated == "little" else "4,3,2,1"}
        found = read_fcs(make_fcs(data, integers(width, width), keywords=keywords)).warnings
        return any(text.startswith("In 2 of 2 channels the leading byte varies more") for text in found)

    assert [warned(1, stated) for stated in ("little", "big")] == [order == "big", order == "little"]
    assert not warned(64, order)  # as of a narrower converter


def test_more_channels_than_par_says_are_refused_where_nothing_else_tells(make_fcs: Make) -> None:
    keywords = {"$TOT": None, "$PAR": 1, "$BEGINDATA": None, "$ENDDATA": None}
    with pytest.raises(ReadError, match=r"column \$PAR: TEXT describes more channels than \$PAR says; found '1'"):
        read_fcs(make_fcs(SIX_FLOATS, TWO, version="FCS2.0", keywords=keywords))


def test_peak_memory(make_fcs: Make) -> None:
    size = 4 * 20 * 100_000
    path = make_fcs(bytes(size), [{"N": f"FL{n}", "B": 32, "G": 2} for n in range(20)])
    tracemalloc.start()
    try:
        read = read_fcs(path)
        assert tracemalloc.get_traced_memory()[1] <= 1.5 * size
        assert read.events.nbytes == size
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("keywords", [{"$TOT": 4 * 10**9}, {"$PAR": 10**5}, {"$P1B": 2**31}, {"$BEGINDATA": 9 * 10**9}])
def test_hostile_headers_take_no_memory(make_fcs: Make, keywords: dict[str, int]) -> None:
    path = make_fcs(SIX_FLOATS, TWO, keywords=keywords)
    tracemalloc.start()
    try:
        with pytest.raises(ReadError):
            read_fcs(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
