import polars as pl

from tilseq.repertoire.strangers import next_to_nothing, strange_blood


def clones(locus="TRB", **counts):
    rows = {"locus": [locus] * len(counts), "junction": list(counts), "duplicate_count": list(counts.values())}
    return pl.DataFrame(rows, schema_overrides={"locus": pl.String})


def test_a_sample_apart_is_told_with_its_counts():
    tables = {"a": clones(A=60, B=940), "b": clones(A=1, C=999), "c": clones(X=400, A=4), "d": clones("TRA", A=9)}
    # Of a and b 60 of 1,000 and 1 of 1,000 are in another table, of c 4 of 404; d has no locus in common.
    assert list(next_to_nothing(tables)) == [("b", 1, 1000), ("c", 4, 404)]


ONE, OTHER = clones(A=200, B=200, C=1), clones(X=300, Y=100)
STRANGE = "clones of the subject's other samples hold 0 of its 400 counts: is it of this subject?"


def test_later_blood_of_another_person_is_told():
    tables = {"lot": clones(L=900), "base": ONE, "d28": OTHER}
    assert strange_blood(tables, blood=["base", "d28"], later=["d28"]) == {"d28": STRANGE}


def test_later_blood_full_of_infused_clones_is_none_of_another_and_nor_is_what_it_displaced():
    tables = {"lot": clones(L=900), "base": ONE, "d7": clones(L=400)}
    assert strange_blood(tables, blood=["base", "d7"], later=["d7"]) == {}


def test_blood_beside_the_product_alone_may_have_lost_its_cells():
    assert strange_blood({"lot": clones(L=900), "d28": OTHER}, blood=["d28"], later=["d28"]) == {}
    few = {"lot": clones(L=900), "base": clones(A=299), "d28": OTHER}
    assert strange_blood(few, blood=["base", "d28"], later=["d28"]) == {}
    two = {"lot": clones(L=900), "d7": clones(L=300, X=20), "d28": clones(L=1, Z=299)}
    assert strange_blood(two, blood=["d7", "d28"], later=["d7", "d28"]) == {
        "d28": "clones of the subject's other samples hold 1 of its 300 counts: is it of this subject?"
    }
