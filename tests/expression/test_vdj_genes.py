import pytest

from tilseq.expression.vdj_genes import vdj_genes


@pytest.mark.parametrize(
    "gene",
    "TRAV1-2 TRAV14DV4 TRAJ33 TRBV6-1 TRBD1 TRBJ2-7 TRDV2 TRDD2 TRDJ1 TRGV9 TRGVA TRGJ1 TRGJP IGHV3-23 IGHV(III)-44 "
    "IGHVII-30-1 IGHD3-10 IGHJ4 IGKV1-5 IGKJ1 IGLV2-14 IGLJ1 trbv6-1".split(),
)
def test_rearranged_genes_are_told(gene):
    assert vdj_genes([gene]).tolist() == [True]


@pytest.mark.parametrize(
    "gene",
    "TRAC TRBC2 TRDC TRGC1 TRAT1 TRAF3 TRAPPC1 TRADD TRDMT1 TRDN IGHM IGHD IGHG1 IGHA1 IGKC IGLC2 IGLL1 IGLON5 IGHMBP2 "
    "CD8A".split(),
)
def test_other_genes_stay(gene):
    assert vdj_genes([gene]).tolist() == [False]
