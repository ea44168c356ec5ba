import numpy as np
import polars as pl
import pytest

from tilseq.repertoire import effective_clones, origin_classes, origins


def sample(counts, n=None):
    table = pl.DataFrame({"locus": "TRB", "junction": list(counts), "duplicate_count": list(counts.values())})
    return effective_clones(table, float(sum(counts.values())) if n is None else n)


PRODUCT, BASELINE = sample({"p": 5000, "pb": 3000, "pt": 40}), sample({"pb": 20, "b": 5000})
TUMOR, LATER = sample({"t": 10, "pt": 5}), sample({"p": 9, "b": 20, "new": 30})


def of(found):
    return dict(found.select("junction", "origin").iter_rows())


def test_each_class_by_hand():
    found = origins(PRODUCT, baseline=BASELINE, tumor=TUMOR, later=LATER)
    assert of(found) == {
        "p": "infused_only",
        "pb": "infused_and_preexisting",
        "pt": "infused_only",
        "b": "preexisting_only",
        "t": "indeterminate",  # too few clones to know how many the product missed
        "new": "indeterminate",  # the same, of the baseline too
    }
    row = found.row(by_predicate=pl.col("junction") == "pt", named=True)
    assert (row["in_product"], row["in_baseline"], row["in_tumor"]) == (True, False, True)
    assert row["product_frequency"] == pytest.approx(40 / 8040)
    assert (row["baseline_frequency"], row["later_frequency"]) == (None, None)


def test_what_is_not_seen_in_a_shallow_sample_is_not_absent():
    shallow = origins(PRODUCT, baseline=sample({"pb": 20, "b": 500}), tumor=TUMOR)
    assert of(shallow) == {
        "p": "indeterminate",
        "pb": "infused_and_preexisting",
        "pt": "indeterminate",
        "b": "preexisting_only",
        "t": "indeterminate",
    }
    assert of(origins(PRODUCT)) == dict.fromkeys(("p", "pb", "pt"), "indeterminate")
    unknown = effective_clones(PRODUCT.select("locus", "junction", "duplicate_count"), None)
    assert of(origins(unknown, baseline=BASELINE))["b"] == "indeterminate"


def test_what_blood_shows_before_its_lot_was_infused_is_not_infused_only():
    early = pl.DataFrame({"locus": "TRB", "junction": ["p", "pb", "b"]})
    found = of(origins(PRODUCT, baseline=BASELINE, later=LATER, before_lot=early))
    # pb is in earlier blood, b in no lot: what is known of them is known all the same.
    assert {name: found[name] for name in ("p", "pb", "pt", "b")} == {
        "p": "indeterminate", "pb": "infused_and_preexisting", "pt": "infused_only", "b": "preexisting_only",
    }  # fmt: skip


def trial(random, product_cells):
    """Return a subject's samples, and which of its clones came up after the infusion."""
    size, new = 1500, 40
    infused = np.where(np.arange(size) < 700, random.lognormal(0, 1.5, size), 0)
    before = np.where(np.arange(size) >= 600, random.lognormal(0, 1.5, size), 0)
    after = infused / infused.sum() * random.lognormal(0, 1, size) + before / before.sum() * random.lognormal(
        0, 0.5, size
    )
    emergent = np.arange(size) >= size - new
    infused[emergent], before[emergent] = 0, 0
    after[emergent] = random.lognormal(np.log(after.mean()), 1, new)

    def draw(shares, cells):
        counts = random.multinomial(cells, shares / shares.sum())
        return sample({f"c{i}": int(counts[i]) for i in np.flatnonzero(counts)})

    samples = draw(infused, product_cells), draw(before, 20_000), draw(after, 20_000)
    return samples, {f"c{i}" for i in np.flatnonzero(emergent)}


@pytest.mark.parametrize("product_cells", [1_000, 5_000, 20_000, 50_000])
def test_few_emergent_clones_are_wrong_at_any_depth_of_the_product(product_cells):
    random = np.random.default_rng(21)
    called = wrong = 0
    for _ in range(6):
        (product, baseline, later), truth = trial(random, product_cells)
        found = origins(product, baseline=baseline, later=later).filter(origin="emergent")["junction"]
        called += len(found)
        wrong += len(set(found) - truth)
    assert wrong <= max(2, 0.05 * called)
    if product_cells == 50_000:
        assert called > 100  # of 240


def test_a_clone_that_may_have_leaked_in_is_never_emergent():
    (product, baseline, later), truth = trial(np.random.default_rng(21), 50_000)
    found = origins(product, baseline=baseline, later=later).filter(origin="emergent")
    leaked = found.select("locus", "junction").head(3)
    again = origins(product, baseline=baseline, later=later, suspicious=leaked)
    assert set(again.join(leaked, on=("locus", "junction"))["origin"]) == {"indeterminate"}
    assert again.filter(origin="emergent").height >= found.height - 3 - 2


def test_tumor_clones_are_resident_only_where_the_product_would_have_shown_them():
    random = np.random.default_rng(5)
    size, resident = 600, 30
    tumor = random.lognormal(0, 1.5, size)
    infused = tumor * random.lognormal(0, 1, size)
    infused[:resident] = 0

    def draw(shares, cells):
        counts = random.multinomial(cells, shares / shares.sum())
        return sample({f"c{i}": int(counts[i]) for i in np.flatnonzero(counts)})

    def called(product_cells):
        found = origins(draw(infused, product_cells), baseline=BASELINE, tumor=draw(tumor, 20_000))
        names = found.filter(origin="tumor_resident")["junction"]
        return len(names), sum(int(name[1:]) >= resident for name in names)

    found, wrong = called(100_000)
    assert found >= 15
    assert wrong <= 2
    assert called(4_000)[1] <= 1


def counted(once, twice, often):
    """Return clones counted once, twice and 90 times, by name."""
    return dict(
        zip((f"x{i}" for i in range(once + twice + often)), [1] * once + [2] * twice + [90] * often, strict=True)
    )


def at_least(found, product, baseline):
    rows = origin_classes(found, product, baseline).iter_rows(named=True)
    return {row["origin"]: (row["clones"], row["wrong_at_least"]) for row in rows}


def test_how_many_of_a_class_are_wrong_at_least_by_hand():
    # Of the product's clones the baseline counts 60 once and 20 twice: 60 * 59 / 42 = 84.2857 missed, and at least
    # 84.2857 * exp(-1.96 * sqrt(4 / 60 + 1 / 21 + 1 / 84.2857)) = 42.02 of them. The product counts all of them often.
    both = counted(60, 20, 20)
    product = sample(dict.fromkeys(both, 100) | {f"p{i}": 50 for i in range(45)})
    baseline = sample(both | {"b": 9_000, "c": 9_000})
    found = origins(product, baseline=baseline)
    assert at_least(found, product, baseline) == {
        "infused_and_preexisting": (100, None), "infused_only": (45, 42), "preexisting_only": (2, 0),
    }  # fmt: skip
    # Five that blood showed before their lot are not called: they may be of the 42.
    early = pl.DataFrame({"locus": "TRB", "junction": [f"p{i}" for i in range(5)]})
    told = at_least(origins(product, baseline=baseline, before_lot=early), product, baseline)
    assert told["infused_only"] == (40, 37)
    # No more than are called.
    few = sample(dict.fromkeys(both, 100) | {"p0": 50, "p1": 4_450})
    assert at_least(origins(few, baseline=baseline), few, baseline)["infused_only"] == (2, 2)


def test_where_no_clone_is_in_both_nothing_is_known_of_wrong_ones():
    product, baseline = sample({"p": 5_000}), sample({"b": 5_000})
    found = origins(product, baseline=baseline)
    assert at_least(found, product, baseline) == {"infused_only": (1, 0), "preexisting_only": (1, 0)}


def test_fewer_are_told_to_be_wrong_than_are():
    told, truth = [], []
    names = "infused_only", "preexisting_only"
    for seed in range(40):
        (product, baseline, later), _ = trial(np.random.default_rng(seed), 5_000)
        found = origins(product, baseline=baseline, later=later)
        classes = at_least(found, product, baseline)
        told.append([classes[name][1] for name in names])
        both = {f"c{i}" for i in range(600, 700)}
        truth.append([len(both & set(found.filter(origin=name)["junction"])) for name in names])
    assert np.count_nonzero(np.array(told) > truth) <= 2  # one in forty of eighty
    assert np.count_nonzero(told) >= 40


def test_of_emergent_clones_the_rule_tells_how_many_are_wrong():
    (product, baseline, later), _ = trial(np.random.default_rng(21), 50_000)
    called, wrong = at_least(origins(product, baseline=baseline, later=later), product, baseline)["emergent"]
    assert called > 10
    assert wrong is None


def test_a_lone_clone_is_not_called_emergent():
    everywhere = {f"c{i}": 200 + i for i in range(30)}
    product, baseline = sample(everywhere | {"p": 20_000}), sample(everywhere | {"b": 20_000})

    def called(*new):
        later = sample(everywhere | dict.fromkeys(new, 300))
        return set(origins(product, baseline=baseline, later=later).filter(origin="emergent")["junction"])

    assert called("new") == set()
    assert called("new", "newer") == {"new", "newer"}


@pytest.mark.parametrize(
    ("product_cells", "baseline_cells", "told"),
    [(20_000, 20_000, True), (19_999, 20_000, False), (20_000, 19_999, False)],
)
def test_clones_that_came_up_are_told_beside_20_000_cells_of_product_and_baseline(product_cells, baseline_cells, told):
    everywhere = {f"c{i}": 200 for i in range(30)}  # 6,000 cells, of which none was missed
    product = sample(everywhere | {"p": product_cells - 6_000})
    baseline = sample(everywhere | {"b": baseline_cells - 6_000})
    found = of(origins(product, baseline=baseline, later=sample(everywhere | {"new": 300, "newer": 300})))
    assert {found["new"], found["newer"]} == ({"emergent"} if told else {"indeterminate"})


@pytest.mark.parametrize(("product_cells", "told"), [(20_000, True), (19_999, False)])
def test_clones_that_stayed_in_the_tumor_are_told_beside_20_000_cells_of_product(product_cells, told):
    everywhere = {f"c{i}": 200 for i in range(30)}
    product = sample(everywhere | {"p": product_cells - 6_000})
    tumor = sample(everywhere | {"t": 300, "u": 300})
    found = of(origins(product, baseline=sample({"b": 5_000}), tumor=tumor))
    assert {found["t"], found["u"]} == ({"tumor_resident"} if told else {"indeterminate"})


def test_without_a_baseline_nothing_is_emergent():
    (product, _, later), _ = trial(np.random.default_rng(2), 50_000)
    assert "emergent" not in set(origins(product, later=later)["origin"])
