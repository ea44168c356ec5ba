import polars as pl
import pytest

from tilseq.repertoire.exchanged import exchanged_with_baseline, exchanged_with_product


def clones(locus="TRB", **counts):
    rows = {"locus": [locus] * len(counts), "junction": list(counts), "duplicate_count": list(counts.values())}
    return pl.DataFrame(rows, schema_overrides={"locus": pl.String})


# I infused, E of the person's own blood, R of it and infused, P of the product alone.
BASELINE = clones(E=500, R=20)
DAY7, PRODUCT = clones(I=900, E=95, R=5), clones(I=880, R=4, P=116)
TOLD = (
    "of blood before the infusion the product holds 9.5% in clones that this sample lacks, and this sample 0.0% in "
    "clones that the product lacks: were the two exchanged? (Of a product that was grown from blood it may be so)"
)


def test_a_product_of_which_blood_is_blood_is_told():
    assert exchanged_with_product(PRODUCT, DAY7, BASELINE) == TOLD
    assert exchanged_with_product(DAY7, PRODUCT, BASELINE) == ""


@pytest.mark.parametrize(("shown", "told"), [(19, False), (20, True), (2, False), (100, True)])
def test_it_takes_a_fiftieth_and_five_times_what_blood_holds(shown, told):
    product, blood = clones(I=1000 - shown, E=shown), clones(I=996, S=4)
    assert bool(exchanged_with_product(blood, product, clones(E=9, S=1))) == told
    five = clones(I=980, S=20)  # 2 % of blood: 10 % of the product is as much five times
    assert bool(exchanged_with_product(five, product, clones(E=9, S=1))) == (shown >= 100)


@pytest.mark.parametrize(
    ("blood", "product"),
    [
        (clones(X=900, P=9), DAY7),  # shares a hundredth: of another person, which is told elsewhere
        (clones(I=299), DAY7),
        (clones("TRA", I=900), DAY7),
    ],
)
def test_strangers_few_counts_and_other_loci_tell_nothing(blood, product):
    assert exchanged_with_product(blood, product, BASELINE) == ""


TUMOR = clones(I=50, T=50)


def test_blood_of_before_that_holds_more_of_the_tumour_than_the_product_is_told():
    blood, grown = clones(E=990, I=10), clones(I=850, P=150)
    assert exchanged_with_baseline(blood, grown, TUMOR) == ""
    assert exchanged_with_baseline(grown, blood, TUMOR) == (
        "clones of the tumour hold 85.0% of this blood of before the infusion and 1.0% of the product: were the two "
        "exchanged? (Of a product that was grown from blood it may be so)"
    )


@pytest.mark.parametrize(
    ("of_blood", "of_product", "told"), [(100, 33, True), (99, 33, False), (100, 34, False), (900, 301, False)]
)
def test_it_takes_a_tenth_and_three_times_what_the_product_holds_of_the_tumour(of_blood, of_product, told):
    blood, product = clones(I=of_blood, E=1000 - of_blood), clones(I=of_product, P=1000 - of_product)
    assert bool(exchanged_with_baseline(blood, product, TUMOR)) == told
    assert exchanged_with_baseline(clones(I=299), product, TUMOR) == ""
    assert exchanged_with_baseline(blood, product, clones("TRA", I=9)) == ""
