"""What a contrast is called in figures and in the report."""

from tilseq.plots.contrast_rows import compared


def test_an_interaction_is_told_in_words():
    told = compared("visit:D28/product*status:infused/not_seen_in_product")
    assert told == "D28 against product, and of that infused against not seen in product"
