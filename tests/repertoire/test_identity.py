"""Samples that agree with another subject's, by hand: which are moved, and which cannot be told."""

import numpy as np
import polars as pl

from tilseq.repertoire.identity import Support, loci_of, over_loci, supports, true_subjects
from tilseq.repertoire.libraries import libraries_of

SUBJECTS = ("A", "A", "A", "B", "B", "B")


def flags(*pairs, of=6):
    """Libraries × libraries: true for these pairs, both ways."""
    found = np.zeros((of, of), bool)
    for one, other in pairs:
        found[one, other] = found[other, one] = True
    return found


def all_pairs(*groups):
    return [(one, other) for group in groups for one in group for other in group if one < other]


EVERY = flags(*all_pairs(range(6)))


def test_support_of_its_own_and_of_the_other_subject():
    agree = flags((0, 1), (0, 3), (0, 4))
    own, other = supports(0, SUBJECTS, agree, EVERY)
    assert (own, other) == (Support("A", 1, 2), Support("B", 2, 3))
    assert (own.most, other.most) == (False, True)  # one of two is no more than half
    assert supports(5, SUBJECTS, agree, EVERY) == (Support("B", 0, 2), None)


def test_two_that_were_exchanged_are_both_moved_and_no_other():
    # 2 holds B's clones, 3 holds A's
    agree = flags(*all_pairs((0, 1, 3), (2, 4, 5)))
    assert true_subjects(SUBJECTS, agree, EVERY) == ["A", "A", "B", "A", "B", "B"]


def test_where_all_agree_with_their_own_nobody_is_moved():
    assert true_subjects(SUBJECTS, flags(*all_pairs((0, 1, 2), (3, 4, 5))), EVERY) == list(SUBJECTS)


def test_one_that_agrees_with_nobody_or_with_both_stays():
    agree = all_pairs((0, 1), (3, 4, 5))
    assert true_subjects(SUBJECTS, flags(*agree), EVERY) == list(SUBJECTS)
    both = [*agree, (2, 0), (2, 3), (2, 4), (2, 5)]
    assert true_subjects(SUBJECTS, flags(*both), EVERY) == list(SUBJECTS)


def test_against_a_sample_that_could_not_be_compared_one_agreement_is_not_enough():
    agree, compared = flags((1, 2), of=3), flags((1, 2), of=3)
    # 1 cannot be compared with 0 of its own, and agrees with one of the other subject
    assert true_subjects(("A", "A", "B"), agree, compared) == ["A", "A", "B"]


def test_two_agree_over_loci_where_they_do_at_any():
    samples = {name: table(f"{name[0]}{i}" for i in range(60)) for name in ("a1", "a2", "b1", "b2")}
    libraries = libraries_of(samples, {name: name[0].upper() for name in samples}, None)
    loci = loci_of(libraries, libraries.beside(libraries.subjects)["may_leak"])
    assert set(loci) == {"TRB"}
    assert loci["TRB"].shared.tolist() == [[60, 60, 0, 0], [60, 60, 0, 0], [0, 0, 60, 60], [0, 0, 60, 60]]
    agree, compared = over_loci([loci["TRB"]], 4)
    assert agree.tolist() == flags((0, 1), (2, 3), of=4).tolist()
    assert compared.tolist() == (~np.eye(4, dtype=bool)).tolist()
    assert not over_loci([], 4)[0].any()


def table(junctions):
    names = list(junctions)
    return pl.DataFrame({"locus": "TRB", "junction": names, "duplicate_count": [5] * len(names)})
