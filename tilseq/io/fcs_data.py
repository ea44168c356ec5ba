"""DATA of an FCS file: where it lies, how a value is stored, and its values on the linear scale."""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import first_few
from tilseq.io.fcs_header import HEADER_BYTES, Header

BLOCK_BYTES, FEWEST_ROWS = 1 << 20, 1000
FLOAT_BITS = {"F": 32, "D": 64}
MOST_CHANNELS = 10_000
MOST_LISTED = 30
EXACT_IN_FLOAT32 = 1 << 24
# Beyond these no cytometer writes; whole numbers, blanks, or floats of another byte order look like this.
SMALLEST, LARGEST = 1e-18, 1e18
# By how many bits, and of how many events, the leading byte must vary more than the last one to tell of a wrong order.
CLEARLY_MORE, LEAST_FOR_ORDER = 0.5, 200
MOST_IMPLAUSIBLE, FEWEST_TO_REFUSE = 0.1, 10
HOST_ORDER = "<" if sys.byteorder == "little" else ">"
MEND = "the file is cut or was written wrongly; export it again"
ODD = {
    "not finite": "Values are NaN or infinite; gating leaves an event out that has one in a channel it uses",
    "implausible": "Values are smaller than 1e-18 or larger than 1e18; $BYTEORD, $DATATYPE or DATA's offset may be off",
    "masked": "Values had bits above $PnR, which were cleared as FCS demands",
    "rounded": "Whole numbers above 16,777,216 are rounded to 32-bit floats",
}


@dataclass(frozen=True)
class Channel:
    """How one channel is stored and brought to the linear scale.

    Attributes
    ----------
    name, marker
        $PnN and $PnS, without blanks around them; the marker is empty where absent.
    kind
        `I` unsigned integer, `F` 32-bit or `D` 64-bit float.
    size
        Bytes a value.
    bits
        Bits of an integer that count, by $PnR; None where all do.
    decades, offset, span
        f1 and f2 of $PnE and $PnR: a log-amplified integer x is ``offset * 10 ** (decades * x / span)``; decades 0
        is linear.
    gain
        A linear value is divided by it.
    """

    name: str
    marker: str
    kind: str
    size: int
    bits: int | None = None
    decades: float = 0.0
    offset: float = 1.0
    span: float = 1.0
    gain: float = 1.0


def read_channels(header: Header) -> list[Channel]:
    """Return how each channel is stored, in file order.

    Raises
    ------
    ReadError
        A channel has no name, or its type, width, range, amplification or gain cannot be read right.
    """
    mode = header.keywords.get("$MODE", "L") if header.version == "FCS3.2" else header.required("$MODE")
    if mode.strip().upper() != "L":
        raise header.error("$MODE is not supported", "$MODE", expected="L (a list of events)")
    count = header.whole("$PAR")
    if not 0 < count <= MOST_CHANNELS:
        raise header.error("the number of channels is not possible", "$PAR", expected=f"1 to {MOST_CHANNELS}")
    return [_channel(header, number) for number in range(1, count + 1)]


def _channel(header: Header, number: int) -> Channel:
    name, marker = header.required(f"$P{number}N"), header.keywords.get(f"$P{number}S", "").strip()
    kind, size = _storage(header, number)
    decades, offset = _amplification(header, number, kind)
    bits, span = None, 1.0
    if kind == "I":
        span = _number(header, f"$P{number}R")
        if not 1 < span <= 2.0**64:
            raise header.error("a range is not possible", f"$P{number}R", expected="more than 1, at most 2^64")
        bits = (math.ceil(span) - 1).bit_length()
        bits = bits if bits < 8 * size else None
    gain = _gain(header, number, name, decades)
    return Channel(name, marker, kind, size, bits, decades, offset, span, gain)


def _storage(header: Header, number: int) -> tuple[str, int]:
    """Return a channel's type and its bytes a value."""
    key, common = f"$P{number}DATATYPE", header.required("$DATATYPE").upper()
    kind = header.keywords.get(key, common).strip().upper()
    if kind != common and header.version != "FCS3.2":
        raise header.error("a channel's own type needs FCS 3.2", key, expected=f"{common}, as $DATATYPE")
    if kind not in ("I", "F", "D"):
        raise header.error(
            "$DATATYPE is not supported", key if key in header.keywords else "$DATATYPE", expected="I, F or D"
        )
    width = header.whole(f"$P{number}B")
    if kind in FLOAT_BITS and width != FLOAT_BITS[kind]:
        raise header.error(
            f"the width does not fit $DATATYPE {kind}", f"$P{number}B", expected=f"{FLOAT_BITS[kind]} bits"
        )
    if width % 8 or not 8 <= width <= 64:
        raise header.error(
            "this width of an integer is not supported", f"$P{number}B", expected="8, 16, 24 ... 64 bits"
        )
    return kind, width // 8


def _amplification(header: Header, number: int, kind: str) -> tuple[float, float]:
    """Return f1 and f2 of $PnE; (0, 1) is linear. A float is linear whatever $PnE says."""
    key = f"$P{number}E"
    if kind != "I" and not header.keywords.get(key, "").strip():
        header.warnings.append(f"{key} is missing; the float values are taken as linear.")
        return 0.0, 1.0
    parts = header.required(key).split(",")
    values = [_finite(part) for part in parts]
    if len(values) != 2 or any(value is None or value < 0 for value in values):
        raise header.error("an amplification cannot be read", key, expected="two numbers from 0 on, such as 4,1")
    decades, offset = (float(value) for value in values if value is not None)
    if decades and kind != "I":
        header.warnings.append(f"{key} says logarithmic, which float values are not; it was ignored.")
        decades = 0.0
    return decades, (offset or 1.0) if decades else 1.0


def _gain(header: Header, number: int, name: str, decades: float) -> float:
    key = f"$P{number}G"
    gain = _number(header, key) if header.keywords.get(key, "").strip() else 1.0
    if gain < 0:
        raise header.error("a gain is negative", key, expected="a number above 0")
    if gain == 0:
        header.warnings.append(f"{key} is 0, which is no gain; 1 was taken.")
    if decades and gain not in (0, 1):
        header.warnings.append(f"{key} is a gain on a logarithmic channel, which FCS does not allow; it was ignored.")
    return 1.0 if gain == 0 or decades or name.casefold() == "time" else gain


def _number(header: Header, key: str) -> float:
    value = _finite(header.required(key))
    if value is None:
        raise header.error("a keyword is no number", key, expected="a number")
    return value


def _finite(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in text else None


def _byte_order(header: Header, channels: list[Channel]) -> str:
    """Return `<` or `>` for $BYTEORD; other orders of bytes are refused."""
    order = [part.strip() for part in header.required("$BYTEORD").split(",")]
    rising = [str(place) for place in range(1, len(order) + 1)]
    widest = max(channel.size for channel in channels)
    # 1,2 says nothing about the order of the two halves of a 32-bit value.
    if order in (rising, rising[::-1]) and (len(order) >= 4 or widest <= len(order)):
        return "<" if order == rising else ">"
    raise header.error(
        "$BYTEORD is not supported", "$BYTEORD", expected=f"1,2,3,4 or 4,3,2,1 for values of up to {8 * widest} bits"
    )


def locate(header: Header, row_bytes: int) -> tuple[int, int]:
    """Return the byte of the file at which DATA starts, and the number of events.

    DATA must hold exactly $TOT events. One byte more is taken for an end that counts one too far (a common fault),
    with a warning. Where HEADER and TEXT differ by one byte the pair that fits is taken, with a warning; if both fit
    from different starts, or they differ by more, the file is refused. A HEADER that is blank or 0 leaves it to TEXT.

    Raises
    ------
    ReadError
        The places contradict each other, $TOT or the size of the file.
    """
    begin, end = header.whole("$BEGINDATA", 0), header.whole("$ENDDATA", 0)
    stated = [pair for pair in (header.data, (begin, end) if begin and end else None) if pair]
    if not stated:
        if header.whole("$TOT") == 0:
            return header.base, 0
        raise header.error("neither HEADER nor TEXT says where DATA lies", "$BEGINDATA", expected="an offset")
    differ = max(abs(a - b) for a, b in zip(stated[0], stated[-1], strict=True))
    sizes = [last - first + 1 for first, last in stated]
    events = _events(header, sizes, row_bytes)
    need = events * row_bytes
    fitting = {first: size - need for (first, _), size in zip(stated, sizes, strict=True) if size - need in (0, 1)}
    what = " and ".join(f"{first} to {last}" for first, last in dict.fromkeys(stated))
    if differ > 1 or len(fitting) > 1:
        raise header.error(
            "HEADER and TEXT differ on where DATA lies",
            byte=header.base + 26,
            found=what,
            expected=f"{need} bytes",
            mend=MEND,
        )
    if not fitting:
        raise header.error(
            "$TOT does not fit DATA",
            "$TOT",
            byte=header.base + stated[-1][0],
            found=f"{events} events and DATA from {what}, {sizes[-1]} bytes",
            expected=f"{need} bytes ({events} events of {row_bytes} bytes)",
            mend=MEND,
        )
    first, spare = fitting.popitem()
    if differ:
        header.warnings.append(f"HEADER and TEXT differ by one byte on where DATA lies ({what}); {first} fits $TOT.")
    elif spare:
        header.warnings.append(f"DATA is said to end one byte too far ({what}); it was read from {first} on.")
    _check_place(header, first, need)
    return header.base + first, events


def _events(header: Header, sizes: list[int], row_bytes: int) -> int:
    """Return $TOT; where FCS 2.0 leaves it out, what DATA holds."""
    if header.version == "FCS2.0" and "$TOT" not in header.keywords and sizes[0] > 0 and sizes[0] % row_bytes == 0:
        if f"$P{header.whole('$PAR') + 1}N" in header.keywords:
            raise header.error("TEXT describes more channels than $PAR says", "$PAR", expected="a number for each $PnN")
        header.warnings.append("$TOT is absent, as FCS 2.0 allows; the events were counted from the size of DATA.")
        return sizes[0] // row_bytes
    return header.whole("$TOT")


def _check_place(header: Header, first: int, need: int) -> None:
    """Refuse DATA that runs over the end of the file or lies on HEADER or TEXT."""
    left = max(0, header.file_size - header.base - first)
    if need > left:
        raise header.error(
            "the file is cut inside DATA",
            byte=header.base + first,
            found=f"{left} bytes",
            expected=f"{need} bytes",
            mend="get the file whole",
        )
    begin, end = header.text
    if need and (first < HEADER_BYTES or (first <= end and begin < first + need)):
        raise header.error(
            "DATA lies on HEADER or TEXT",
            byte=header.base + first,
            found=f"{first} to {first + need - 1}",
            expected=f"a place outside TEXT ({begin} to {end})",
            mend=MEND,
        )


def read_events(
    stream: BinaryIO, header: Header, start: int, events: int, channels: list[Channel]
) -> NDArray[np.float32]:
    """Read `events` events from byte `start` onto the linear scale, block by block: no more is held beside them.

    Returns
    -------
    array of shape (events, channels), C order

    Raises
    ------
    ReadError
        The file ends early, a value on the linear scale is larger than 32-bit floats hold, or in most channels more
        than a tenth of the floats (of ten events at least) are smaller than 1e-18 or larger than 1e18.
    """
    order = _byte_order(header, channels)
    row = np.dtype([(str(place), _stored(channel, order)) for place, channel in enumerate(channels)])
    plain = all(channel.kind == "F" for channel in channels)
    values = np.empty((events, len(channels)), np.float32)
    odd: Counter[tuple[str, int]] = Counter()
    rows = max(FEWEST_ROWS, BLOCK_BYTES // row.itemsize)
    stream.seek(start if events else 0)
    for first in range(0, events, rows):
        block = values[first : first + rows]
        raw: NDArray[Any] = block if plain else np.empty(len(block), row)
        _fill(stream, header, raw)
        if not first and not plain:
            _look_at_order(header, raw, order, channels)
        try:
            with np.errstate(over="raise", invalid="ignore"):
                if not plain:
                    for place, channel in enumerate(channels):
                        block[:, place] = _decode(raw[str(place)], channel, order, odd, place)
                elif order != HOST_ORDER:
                    block.byteswap(inplace=True)
                _divide_gains(block, channels)
        except FloatingPointError as error:
            raise header.error(
                "a value is larger than 32-bit floats hold",
                byte=start + first * row.itemsize,
                found=f"events {first} to {first + len(block) - 1}",
            ) from error
        _look(block, odd, closely=first == 0)
    _refuse_implausible(header, odd, events, channels)
    header.warnings.extend(_sentences(channels, odd))
    return values


def _refuse_implausible(header: Header, odd: Counter[tuple[str, int]], events: int, channels: list[Channel]) -> None:
    floats = [place for place, channel in enumerate(channels) if channel.kind != "I"]
    wrong = sum(odd["implausible", place] > MOST_IMPLAUSIBLE * events for place in floats)
    if 2 * wrong > len(channels) and events >= FEWEST_TO_REFUSE:
        raise header.error(
            "DATA cannot be read as TEXT says",
            found=f"values smaller than 1e-18 or larger than 1e18 in {wrong} of {len(channels)} channels",
            expected="values that a cytometer writes",
            mend="$BYTEORD, $DATATYPE, $PnB or the place of DATA is wrong; export the file again",
        )


def _stored(channel: Channel, order: str) -> Any:
    """Return the numpy type of one stored value; 24-bit and other widths without a type of their own as bytes."""
    if channel.kind == "I" and channel.size not in (1, 2, 4, 8):
        return (np.uint8, (channel.size,))
    return f"{order}{'u' if channel.kind == 'I' else 'f'}{channel.size}"


def _fill(stream: BinaryIO, header: Header, target: NDArray[Any]) -> None:
    view = memoryview(target.reshape(-1).view(np.uint8))
    while view:
        count = stream.readinto(view)  # type: ignore[attr-defined]
        if not count:
            raise header.error("the file ended while it was read", expected=f"{len(view)} more bytes")
        view = view[count:]


def _look_at_order(header: Header, raw: NDArray[Any], order: str, channels: list[Channel]) -> None:
    """Warn where the bytes of integers seem to stand in another order than $BYTEORD says.

    Light varies finely: the last byte of a number takes nearly any value, the leading one a few or, in wide numbers,
    none. Numbers whose last bit is never set were scaled up and do not tell.
    """
    wide = [(str(place), channel.size) for place, channel in enumerate(channels) if channel.kind == "I"]
    wide = [(place, size) for place, size in wide if size > 1]
    if len(raw) < LEAST_FOR_ORDER:
        return
    turned = 0
    for place, size in wide:
        parts = np.ascontiguousarray(raw[place]).view(np.uint8).reshape(len(raw), size)
        leading, last = (parts[:, at] for at in ((0, -1) if order == ">" else (-1, 0)))
        tells = (last & 1).any() or (size > 2 and not last.any())
        turned += bool(tells and _entropy(leading) > _entropy(last) + CLEARLY_MORE)
    if 2 * turned > len(wide):
        header.warnings.append(
            f"In {turned} of {len(wide)} channels the leading byte varies more than the last; $BYTEORD may be wrong."
        )


def _entropy(values: NDArray[np.uint8]) -> float:
    """Return Shannon's entropy of bytes, in bits."""
    counts = np.bincount(values)
    shares = counts[counts > 0] / len(values)
    return float(-(shares * np.log2(shares)).sum())


def _decode(raw: NDArray[Any], channel: Channel, order: str, odd: Counter[tuple[str, int]], place: int) -> NDArray[Any]:
    """Return one channel's values of a block on the linear scale, before its gain."""
    if channel.kind != "I":
        return raw
    if raw.ndim == 2:
        places = range(channel.size) if order == ">" else range(channel.size - 1, -1, -1)
        whole = np.zeros(len(raw), np.uint64)
        for byte in places:
            whole = (whole << np.uint64(8)) | raw[:, byte]
        raw = whole
    if channel.bits is not None:
        odd["masked", place] += int(np.count_nonzero(raw >> channel.bits))
        raw = raw & ((1 << channel.bits) - 1)
    if channel.decades:
        return np.asarray(channel.offset * 10.0 ** (channel.decades * raw.astype(np.float64) / channel.span))
    if channel.size > 2:
        odd["rounded", place] += int(np.count_nonzero(raw > EXACT_IN_FLOAT32))
    return raw


def _divide_gains(block: NDArray[np.float32], channels: list[Channel]) -> None:
    for place, channel in enumerate(channels):
        if channel.gain != 1:
            np.divide(block[:, place], channel.gain, out=block[:, place], dtype=np.float64)


def _look(block: NDArray[np.float32], odd: Counter[tuple[str, int]], *, closely: bool) -> None:
    """Count what is odd in a block, value by value only on demand or where the sum of squares shows something."""
    flat = block.reshape(-1)
    with np.errstate(all="ignore"):
        squares = float(flat.dot(flat))
    if not closely and len(flat) * SMALLEST**2 < squares < LARGEST**2:
        return
    size = np.abs(block)
    finite = np.isfinite(size)
    implausible = finite & (size > 0) & ((size < SMALLEST) | (size > LARGEST))
    for kind, marks in (("not finite", ~finite), ("implausible", implausible)):
        for place, count in enumerate(np.count_nonzero(marks, axis=0)):
            odd[kind, place] += int(count)


def _sentences(channels: list[Channel], odd: Counter[tuple[str, int]]) -> list[str]:
    """Return one warning for each kind of oddity, with the channels and how many values in each."""
    found = []
    for kind, sentence in ODD.items():
        where = [f"{channel.name} ({odd[kind, place]})" for place, channel in enumerate(channels) if odd[kind, place]]
        if where:
            found.append(f"{sentence}: {first_few(where, MOST_LISTED)}.")
    double = [channel.name for channel in channels if channel.kind == "D"]
    if double:
        found.append(f"64-bit floats are held as 32-bit floats, to 7 digits: {first_few(double, MOST_LISTED)}.")
    return found
