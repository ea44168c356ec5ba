from tilseq.flow.stimulated import Pair, pair_tubes

ROW = {"subject": "S1", "visit": "D28", "day": 28, "specimen": "blood", "panel": "ics", "batch": "b1"}


def tube(sample, role, **cells):
    return {"sample": sample, "role": role, **ROW, **cells}


def test_an_unstimulated_tube_serves_every_stimulus():
    rows = [
        tube("pma", "stimulated", stimulus="PMA"),
        tube("none", "unstimulated"),
        tube("tumour", "stimulated", stimulus="tumour"),
        tube("own", "sample"),
    ]
    assert pair_tubes(rows) == [Pair(("pma",), ("none",), None), Pair(("tumour",), ("none",), None)]


def test_replicates_are_of_one_pair():
    rows = [
        tube("pma1", "stimulated", stimulus="PMA", replicate="1"),
        tube("pma2", "stimulated", stimulus="PMA", replicate="2"),
        tube("none1", "unstimulated", replicate="1"),
        tube("none2", "unstimulated", replicate="2"),
    ]
    assert pair_tubes(rows) == [Pair(("pma1", "pma2"), ("none1", "none2"), None)]


def test_a_tube_without_its_unstimulated_says_in_what_the_others_differ():
    rows = [
        tube("pma", "stimulated", stimulus="PMA"),
        tube("none", "unstimulated", batch="b2"),
        tube("other", "unstimulated", visit="D7", day=7),
        tube("bare", "unstimulated", panel=None, specimen_id="x"),
    ]
    (pair,) = pair_tubes(rows)
    assert pair.unstimulated == ()
    assert pair.fault == (
        "no unstimulated tube of its subject, visit, specimen, panel, batch and run: none has batch b2, not b1; "
        "bare has specimen_id x, not none, panel none, not ics"
    )
    assert pair_tubes([tube("none", "unstimulated")]) == []


def test_a_name_that_would_be_taken_for_two_is_told():
    (pair,) = pair_tubes([tube("a;b", "stimulated", stimulus="PMA"), tube("none", "unstimulated")])
    assert pair.fault == "a;b bears ';' in its name, which parts replicates here: name the sample anew"
