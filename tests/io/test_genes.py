import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import TableError
from tilseq.io.genes import imgt_call, imgt_calls


@pytest.mark.parametrize(
    ("call", "name"),
    [
        # IMGT's own names
        ("TRBV6-1*01", "TRBV6-1*01"),
        ("TRAV29/DV5*01", "TRAV29/DV5*01"),
        ("IGHV3-30-3*01", "IGHV3-30-3*01"),
        ("IGHV(III)-44", "IGHV(III)-44"),
        ("IGKV1/OR2-0", "IGKV1/OR2-0"),
        ("IGHV1-69D", "IGHV1-69D"),
        ("trgjp", "TRGJP"),
        ("Homsap IGHV3-11*05 F", "IGHV3-11*05"),
        ("Homsap TRBV6-5*01 F, or Homsap TRBV6-6*01 F (see comment)", "TRBV6-5*01,TRBV6-6*01"),
        # Adaptive: leading zeros, a number for the only gene of a family
        ("TCRBV06-01", "TRBV6-1"),
        ("TCRBV28-01*01", "TRBV28*01"),
        ("TCRBV13-01", "TRBV13"),
        ("TCRBV20-01", "TRBV20-1"),
        ("TCRBJ02-07*01", "TRBJ2-7*01"),
        ("TCRAJ01-01", "TRAJ1"),
        ("TCRAV29-01", "TRAV29/DV5"),
        ("TCRAV14-01", "TRAV14/DV4"),
        ("TCRAV38-01", "TRAV38-1"),
        ("TCRAV38-02", "TRAV38-2/DV8"),
        ("TCRGV09-01", "TRGV9"),
        ("TCRBV20-or09_02", "TRBV20/OR9-2"),
        ("TCRBV12-X", "TRBV12"),
        ("TCRBV20", "TRBV20"),
        ("IGHV03-23", "IGHV3-23"),
        ("IGHV06-01", "IGHV6-1"),
        ("IGHJ04-01*02", "IGHJ4*02"),
        ("IGKJ01-01", "IGKJ1"),
        ("IGLJ02-01/03-01*01", "IGLJ2,IGLJ3"),
        # ambiguity
        ("TRBV6-2,TRBV6-3", "TRBV6-2,TRBV6-3"),
        ("TRBV6-2/6-3", "TRBV6-2,TRBV6-3"),
        ("TRBV6-2/TRBV6-3", "TRBV6-2,TRBV6-3"),
        ("TCRBV06-02/06-03*01", "TRBV6-2,TRBV6-3"),
        ("TCRBV12-03/12-04,TCRBV12-04", "TRBV12-3,TRBV12-4"),
        # 10x, VDJdb and MiXCR leave out the slash
        ("TRAV29DV5", "TRAV29/DV5"),
        ("TRAV38-2DV8", "TRAV38-2/DV8"),
        ("TRAV29", "TRAV29/DV5"),
        ("TRDV5", "TRAV29/DV5"),
        # MiXCR's hits and scores
        ("TRBV12-3*00(1234.5),TRBV12-4*00(1234.5),TRBV5-1*00(800)", "TRBV12-3,TRBV12-4"),
        ("TRBV28*00(331)", "TRBV28"),
        # none
        ("unresolved", None),
        ("no data", None),
        (".", None),
        ("*", None),
        ("None", None),
    ],
)
def test_names_of_every_program_become_imgts(call, name):
    read = imgt_call(call)
    assert (read.name, read.unknown) == (name, ())


def test_a_name_mapped_once_stays_as_it_is():
    for call in ("TRBV6-2,TRBV6-3", "TRAV29/DV5*01", "TRBV20", "TRBV20/OR9-2", "TRGJP", "TRBV12-3"):
        assert imgt_call(call).name == call


def frame(v, j=("TRBJ1-1",)):
    return pl.DataFrame({"v_call": list(v), "j_call": list(j) * len(v)})


@given(st.text(st.sampled_from("TRBV1-*/,()F P or=."), max_size=12))
def test_any_name_mapped_once_stays_as_it_is(call):
    name = imgt_call(call).name
    assert name is None or imgt_call(name).name == name


def test_what_is_not_known_is_kept_and_told():
    rows, genes, told = imgt_calls(frame(["TRBV6-1", "trbv99-1", "TRBV99-1*01", "BV3"]), "a.tsv", {})
    assert rows["v_call"].to_list() == ["TRBV6-1", "trbv99-1", "TRBV99-1*01", "BV3"]
    assert genes == {"TRBV6-1", "trbv99-1", "TRBV99-1*01", "BV3", "TRBJ1-1"}
    assert told == ["3 gene calls are no human genes of IMGT and are kept: BV3, TRBV99-1*01, trbv99-1"]


def test_a_gene_without_a_place_on_the_chromosome_is_known():
    assert imgt_calls(frame(["IGKV1-NL1*01"]), "a.tsv", {})[2] == []


def test_genes_of_which_most_are_not_known_are_an_error():
    with pytest.raises(TableError, match="3 of 4 gene calls are of no human gene") as caught:
        imgt_calls(frame(["a", "TRBV9"], ["x"]), "a.tsv", {"v_call": "V"})
    assert caught.value.column == "V"


# The V genes of a C57BL/6 spleen by share, of which human and mouse share the names of a part.
MOUSE = ["TRBV13-2", "TRBV13-3", "TRBV3", "TRBV19", "TRBV5", "TRBV31", "TRBV1", "TRBV2", "TRBV13-1", "TRBV16"]


def test_mouse_genes_are_an_error_and_a_few_of_them_a_warning():
    with pytest.raises(TableError, match="the genes are of a mouse.*4 calls of mouse genes alone, 0 of human"):
        imgt_calls(frame(MOUSE), "a.tsv", {})
    with pytest.raises(TableError, match="of a mouse"):
        imgt_calls(frame(["Musmus IGHV1-53*01 F"], ["Musmus IGHJ2*01 F"]), "a.tsv", {})
    *_, told = imgt_calls(frame([*MOUSE[:1], "TRBV6-5", "TRBV7-9"]), "a.tsv", {})
    assert told == ["1 gene calls are of mouse genes"]
