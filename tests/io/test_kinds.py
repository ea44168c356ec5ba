import pickle

import pytest

from tilseq.io.kinds import kind_of


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"", None),
        (b"FCS3.1    ", None),
        (b"sample,subject\n", None),
        (b"\x1f\x8b\x08\x00", "a gzip file"),
        (b"\x89HDF\r\n\x1a\n\x00", "an HDF5 file"),
        (b"PK\x03\x04....[Content_Types].xml....xl/workbook.xml", "an Excel workbook (.xlsx)"),
        (b"PK\x03\x04....member.txt", "a zip file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "an old Excel workbook (.xls)"),
        (b"../evil" + bytes(250) + b"ustar\x0000", "a tar archive"),
        (b"ustar,sample\n", None),
        (b"%PDF-1.7", "a PDF"),
        (b"PAR1\x15", "a Parquet file"),
        (b"RDX3\n", "an R data file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git-LFS pointer, not the file itself"),
        (b"%%MatrixMarket matrix coordinate", "a Matrix Market file"),
        (b"\xef\xbb\xbf\r\n <!DOCTYPE html><html>", "an HTML or XML page"),
        (b"<?xml version='1.0'?>", "an HTML or XML page"),
        *((pickle.dumps({"X": 1}, protocol), "a Python pickle, which is never read") for protocol in (2, 3, 4, 5)),
    ],
)
def test_the_first_bytes_tell(start, kind):
    assert kind_of(start) == kind
