"""What kind of file the first bytes tell, so that a reader can name what it was given instead of its own format."""

from __future__ import annotations

KIND_BYTES = 10_000  # how much of a file's beginning `kind_of` looks at
GZIP = b"\x1f\x8b"
HDF5 = b"\x89HDF\r\n\x1a\n"
FCS = b"FCS"
ZIP = b"PK\x03\x04"

MAGIC = (
    (GZIP, "a gzip file"),
    (HDF5, "an HDF5 file"),
    (b"PAR1", "a Parquet file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)"),
    (b"%PDF", "a PDF"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (b"ARROW1", "an Arrow file"),
    (b"RDX", "an R data file"),
    (b"RDA", "an R data file"),
    (b"\x89PNG", "a PNG picture"),
    (b"{\\rtf", "an RTF document"),
    (b"version https://git-lfs", "a Git-LFS pointer, not the file itself"),
    (b"%%MatrixMarket", "a Matrix Market file"),
    *((bytes((0x80, protocol)), "a Python pickle, which is never read") for protocol in (2, 3, 4, 5)),
)
TAR, TAR_AT = b"ustar", 257
MARKUP = (b"<!doctype", b"<html", b"<?xml")


def kind_of(start: bytes) -> str | None:
    """Return what a file's first bytes say it is, in words, or None for FCS, plain text and what is not known.

    Parameters
    ----------
    start
        The first bytes of the file, up to `KIND_BYTES` of them; a zip is told from a workbook only if its list of
        members begins there.
    """
    start = start[:KIND_BYTES]
    if start.startswith(ZIP):
        return "an Excel workbook (.xlsx)" if b"xl/" in start else "a zip file"
    if start[TAR_AT:].startswith(TAR):
        return "a tar archive"
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(MARKUP):
        return "an HTML or XML page"
    return next((name for magic, name in MAGIC if start.startswith(magic)), None)
