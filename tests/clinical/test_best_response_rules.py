"""Best response of 4,000 random series beside the rules of admiralonco's documentation, stated once more and plainly.

The rules are the details of `derive_param_confirmed_bor` and `derive_param_bor` (admiralonco 1.4.0.9003, Apache-2.0),
here as conditions on all pairs of reads, not as a walk through them.
"""

import random

import pytest

from tests.clinical.reads import recorded
from tilseq.clinical import BestResponsePolicy, best_response

WORDS = ["CR", "PR", "SD", "NON-CR/NON-PD", "PD", "NE"]
RANK = {word: rank for rank, word in enumerate(WORDS)}


def series(seed):
    """Reads of up to seven visits, about four weeks apart, some too near to confirm; responses are common."""
    rng = random.Random(seed)
    day, reads = 0, []
    for _ in range(rng.randint(1, 7)):
        day += rng.choice([7, 14, 20, 26, 27, 28, 29, 42])
        reads.append((day, rng.choices(WORDS, [4, 6, 3, 1, 1, 3])[0]))
    return reads


def confirms(reads, first, second, days, max_ne, accept_sd):
    """Whether the second read is the confirmatory assessment of the first."""
    (day, word), (later, again) = first, second
    good = {"CR"} if word == "CR" else {"CR", "PR"}
    if again not in good or later - day < days:
        return False
    if any(w in good and day + days <= d < later for d, w in reads):
        return False  # an earlier assessment is the confirmatory one
    within = [w for d, w in reads if day < d <= later]
    if word == "CR":
        return set(within) <= {"CR", "NE"} and within.count("NE") <= max_ne
    pr_after_cr = any(w == "PR" and "CR" in within[:i] for i, w in enumerate(within))
    allowed = set(within) <= {"CR", "PR", "SD", "NE"} and within.count("NE") <= max_ne
    return allowed and within.count("SD") <= (1 if accept_sd else 0) and not pr_after_cr


def by_the_rules(reads, days, least, max_ne, accept_sd):
    """Return the confirmed and the unconfirmed best response, each with its day."""
    first_pd = min((d for d, w in reads if w == "PD"), default=None)
    reads = [(d, w) for d, w in reads if first_pd is None or d <= first_pd]
    confirmed, plain = [], []
    for read in reads:
        day, word = read
        late = day >= least
        if word in ("CR", "PR"):
            plain.append((word, day))
            if any(confirms(reads, read, other, days, max_ne, accept_sd) for other in reads):
                confirmed.append((word, day))
        if word in ("CR", "PR", "SD"):
            confirmed.append(("SD" if late else "NE", day))
        if word == "NON-CR/NON-PD":
            confirmed.append((word if late else "NE", day))
        if word in ("SD", "NON-CR/NON-PD"):
            plain.append((word if late else "NE", day))
        if word in ("PD", "NE"):
            plain.append(read[::-1])
            confirmed.append(read[::-1])
    return min(confirmed, key=_order), min(plain, key=_order)


def _order(candidate):
    return RANK[candidate[0]], candidate[1]


@pytest.mark.parametrize(
    ("days", "least", "max_ne", "accept_sd"),
    [(28, 42, 1, False), (28, 28, 0, True), (27, 42, 2, True), (56, 60, 1, False)],
)
def test_random_series_follow_the_rules(days, least, max_ne, accept_sd):
    cohort = {f"S{seed:04}": series(seed) for seed in range(1000)}
    policy = BestResponsePolicy(confirmation_days=days, sd_min_days=least, max_ne=max_ne, accept_sd=accept_sd)
    table = best_response(recorded([(name, d, w) for name, reads in cohort.items() for d, w in reads]), policy=policy)
    found = {
        (subject, confirmation): (word, day)
        for subject, confirmation, word, day in table.select("subject", "confirmation", "best_response", "day").rows()
    }
    seen = set()
    for name, reads in cohort.items():
        expected = by_the_rules(reads, days, least, max_ne, accept_sd)
        assert (found[name, "required"], found[name, "not_required"]) == expected, reads
        seen.add(expected[0][0])
    assert seen == set(WORDS)
