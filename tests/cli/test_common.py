from pathlib import Path

import pytest

from tilseq.cli.common import sample_name, tell_written


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("a/P1_d7.fcs", "P1_d7"),
        ("P1.d28.tsv.gz", "P1.d28"),
        ("P1.d0.TSV", "P1.d0"),
        ("plain", "plain"),
        (".fcs", ".fcs"),
        ("archive.tar.gz", "archive.tar"),
    ],
)
def test_a_sample_is_called_as_its_file_without_the_extensions_of_its_format(file, name):
    assert sample_name(Path(file)) == name


def test_where_tables_went_is_told_but_of_stdout(capsys):
    tell_written("-")
    tell_written(Path("out"))
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", "wrote out\n")
