"""SDTM's tumour domains TU, TR and RS, read into our tables of lesions and recorded responses."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from tilseq.errors import ReadError, StudyError, TilseqError
from tilseq.io.dates import PartialDates, whole_date
from tilseq.io.text import read_cells
from tilseq.tables import Row, Table, parse
from tilseq.tables.inputs import LESIONS, RESPONSE_READS, RESPONSES
from tilseq.tables.outputs import EXCLUSIONS

ROLES = {"TARGET": "target", "NON-TARGET": "nontarget", "NEW": "new"}
STATES = {
    "PRESENT": "present",
    "UNEQUIVOCAL": "present",
    "ABSENT": "absent",
    "EQUIVOCAL": "equivocal",
    "UNEQUIVOCAL PROGRESSION": "progressed",
    "UNEQUIVOCAL INCREASE": "progressed",
    "NOT EVALUABLE": "not_evaluable",
    "NOT ASSESSABLE": "not_evaluable",
}
NODE_STATES = STATES | {"PATHOLOGICAL": "present", "NON-PATHOLOGICAL": "absent", "NONPATHOLOGICAL": "absent"}
SIZES, WORDS = ("LDIAM", "LPERP", "DIAMETER"), ("TUMSTATE", "LNSTATE")
FULL_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?")
MONTH = re.compile(r"(\d{4})-(\d{2})")
NEEDED = {
    "TU": ("USUBJID", "TULNKID", "TUTESTCD", "TUORRES"),
    "TR": ("USUBJID", "TRLNKID", "TRTESTCD", "TRORRES", "TRDTC"),
    "RS": ("USUBJID", "RSTESTCD", "RSORRES", "RSDTC"),
}


def read_sdtm_recist(
    tu: str | Path,
    tr: str | Path,
    rs: str | Path | None = None,
    *,
    day0: Mapping[str, str] | None = None,
    baseline_visit: str | None = None,
    partial_dates: PartialDates = "refuse",
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Read SDTM's tumour identification, tumour results and disease response into our tables.

    Exactly one of `day0` and `baseline_visit` must be given: SDTM holds dates, and no date is guessed to be day 0.
    An empty cell and R's ``NA`` are missing. The reader is ``--EVALID``, else ``--EVAL``.
    The diameter is LDIAM, for a lesion whose TULOC names a lymph node LPERP, or DIAMETER of either, as CDISC allows
    both; the state is TUMSTATE, of nodes LNSTATE. The standard result (TRSTRESC, TRSTRESU) is taken where the file has
    it. A new lesion that TU names at a visit without a result is listed as seen there, at each such visit; without
    TUDTC on the date of the visit's last result. One of which TR has rows without a result, as of NOT DONE, is not
    evaluable there, unless TU names it at that visit.

    Parameters
    ----------
    tu, tr, rs
        CSV files of the domains TU, TR and RS.
    day0
        ISO date of the first infusion of each subject.
    baseline_visit
        Name of the visit whose last date is called day 0. Days then count from the baseline scan, not the infusion.
    partial_dates
        What becomes of a date without a day (``2014-02``): an error, or the last day of its month.

    Returns
    -------
    lesions
        Table `lesions`.
    responses
        Table `responses`: OVRLRESP only, of RECIST where the file names its criteria so (RSCAT); empty without `rs`.
    exclusions
        Table `exclusions`: rows that took no part, counted by file and rule: not accepted (``--ACPTFL`` other than Y
        or missing), another test, other criteria of response, a response that was not done, the axis of a lesion that
        does not count, a row that only repeats another.

    Raises
    ------
    ReadError
        A file is not delimited text.
    StudyError
        Everything wrong with the rows: a partial date, a unit other than mm, a result without a lesion in TU, two
        results that differ for one lesion, test and day, a lesion of whose rows in TR none counts, an unknown
        word, a subject without day 0.
    """
    if (day0 is None) == (baseline_visit is None):
        raise ReadError(
            "the day of the first infusion is not known",
            file=tr,
            mend="give day0, the ISO date of each subject's first infusion, or the name of the visit to count from",
        )
    reading = _Sdtm(tu, tr, rs, partial_dates)
    return reading.read(day0, baseline_visit)


def read_dated_sdtm_recist(
    tu: str | Path,
    tr: str | Path,
    rs: str | Path | None,
    *,
    day0: Mapping[str, str],
    partial_dates: PartialDates = "refuse",
) -> tuple[tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame], list[str]]:
    """Read what `read_sdtm_recist` does, so that a subject without day 0 costs itself alone.

    Parameters
    ----------
    tu, tr, rs, day0, partial_dates
        As of `read_sdtm_recist`.

    Returns
    -------
    tables
        Lesions, responses and exclusions, as of `read_sdtm_recist`; rows of subjects without day 0 are excluded, by
        their names.
    undated
        Those subjects.

    Raises
    ------
    ReadError, StudyError
        As of `read_sdtm_recist`, but for a subject without day 0.
    """
    reading = _Sdtm(tu, tr, rs, partial_dates, leave_out=True)
    return reading.read(day0, None), sorted(reading.without_start)


class _Sdtm:
    """One reading of the three files: their rows, and the problems and exclusions met so far."""

    def __init__(
        self,
        tu: str | Path,
        tr: str | Path,
        rs: str | Path | None,
        partial_dates: PartialDates,
        *,
        leave_out: bool = False,
    ) -> None:
        self.partial_dates, self.leave_out = partial_dates, leave_out
        self.files = {"TU": str(tu), "TR": str(tr)} | ({} if rs is None else {"RS": str(rs)})
        self.problems: list[TilseqError] = []
        self.excluded: Counter[tuple[str, str]] = Counter()
        self.without_start: set[str] = set()
        self.cells = {domain: self._cells(domain) for domain in self.files}

    def read(
        self, day0: Mapping[str, str] | None, baseline_visit: str | None
    ) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return lesions, responses and exclusions."""
        self._stop_if_wrong()
        known = self._lesions_known()
        results = list(self._results(known))
        self._lost(known, results)
        seen = results + list(self._new_without_result(known, results))
        starts = self._starts(day0, baseline_visit, seen)
        lesions = self._merge([row for row in seen if self._is_dated(row["file"], row["subject"], starts)], starts)
        responses = list(self._responses(starts))
        self._stop_if_wrong()
        counted = [{"file": file, "rule": rule, "rows": n} for (file, rule), n in self.excluded.items()]
        return LESIONS.frame(lesions), RESPONSE_READS.frame(responses), EXCLUSIONS.frame(counted)

    def _stop_if_wrong(self) -> None:
        if self.problems:
            raise StudyError(self.problems, "the files of SDTM")

    def _problem(self, domain: str, row: int | None, column: str, what: str, **parts: Any) -> None:
        self.problems.append(ReadError(what, file=self.files[domain], row=row, column=column, **parts))

    def _exclude(self, domain: str, rule: str) -> None:
        self.excluded[self.files[domain], rule] += 1

    def _cells(self, domain: str) -> list[Row]:
        """Return the accepted rows of a domain as mappings, with `row` their number in the file."""
        frame = read_cells(self.files[domain])
        missing = [name for name in NEEDED[domain] if name not in frame.columns]
        for name in missing:
            self._problem(domain, 1, name, f"{domain} needs this column")
        rows: list[Row] = []
        for number, cells in enumerate(frame.rows(named=True), start=2):
            row: Row = defaultdict(lambda: None, {k: None if v == "NA" else v for k, v in cells.items()})
            row["row"] = number
            row["reader"] = row[f"{domain}EVALID"] or row[f"{domain}EVAL"]
            if row[f"{domain}ACPTFL"] not in (None, "Y"):
                self._exclude(domain, f"{domain}ACPTFL is not Y: not accepted")
            elif not missing:
                rows.append(row)
        return rows

    def _lesions_known(self) -> dict[tuple[Any, ...], Row]:
        """Return the lesion of each subject, reader and link from TU."""
        known: dict[tuple[Any, ...], Row] = {}
        # Whatever the order of the file; of one visit the row that has a date counts.
        for row in sorted(self.cells["TU"], key=lambda row: (row["TUDTC"] is None, row["TUDTC"])):
            if row["TUTESTCD"] != "TUMIDENT":
                self._exclude("TU", "a test other than TUMIDENT")
                continue
            role = ROLES.get(row["TUORRES"] or "")
            if role is None:
                expected = ", ".join(ROLES)
                self._problem("TU", row["row"], "TUORRES", "unknown role", found=row["TUORRES"], expected=expected)
            key = (row["USUBJID"], row["reader"], row["TULNKID"])
            if None in (key[0], key[2]):
                self._problem("TU", row["row"], "TULNKID", "a lesion needs USUBJID and TULNKID")
            site = row["TULOC"]
            lesion = {"role": role, "node": "LYMPH NODE" in (site or "").upper(), "site": site, "tu": [row]}
            if key not in known:
                known[key] = lesion
            elif any(known[key][name] != lesion[name] for name in ("role", "site")):
                self._problem("TU", row["row"], "TULNKID", "this lesion is described twice, differently", found=key[2])
            elif role == "new" and row["VISIT"] not in [one["VISIT"] for one in known[key]["tu"]]:
                known[key]["tu"].append(row)
            else:
                self._exclude("TU", "repeats another row")
        return known

    def _results(self, known: Mapping[tuple[Any, ...], Row]) -> Iterator[Row]:
        """Yield the size or state of one lesion on one date a time."""
        for row in self.cells["TR"]:
            lesion = known.get((row["USUBJID"], row["reader"], row["TRLNKID"]))
            test = row["TRTESTCD"]
            if test not in (*SIZES, *WORDS):
                self._exclude("TR", f"a test other than {', '.join((*SIZES, *WORDS))}")
            elif lesion is None:
                found = f"{row['USUBJID']}, reader {row['reader']}, {row['TRLNKID']}"
                self._problem("TR", row["row"], "TRLNKID", "TU has no such lesion of this reader", found=found)
            elif test == "LDIAM" and lesion["node"]:
                self._exclude("TR", "longest diameter of a lymph node: its short axis counts")
            elif test == "LPERP" and not lesion["node"]:
                self._exclude("TR", "short axis of a lesion that is no lymph node: its longest diameter counts")
            elif test == "LNSTATE" and lesion["role"] == "target":
                self._exclude("TR", "state of a lymph node that is a target: its short axis counts")
            elif _undated_not_done(row):
                self._exclude("TR", "TRSTAT is NOT DONE, without a date: not measured at the visit")
            elif test in WORDS:
                words = NODE_STATES if test == "LNSTATE" else STATES
                yield self._seen(row, "TR", row["TRLNKID"], lesion) | {"state": self._state(row, words)}
            else:
                yield self._seen(row, "TR", row["TRLNKID"], lesion) | {"diameter_mm": self._diameter(row)}

    def _lost(self, known: Mapping[tuple[Any, ...], Row], results: list[Row]) -> None:
        """Refuse lesions that have rows in TR of which none counts: the sums would lack them, unsaid."""
        have = {(row["subject"], row["reader"], row["lesion"]) for row in results}
        tests: dict[tuple[Any, ...], set[str]] = defaultdict(set)
        for row in self.cells["TR"]:
            test = row["TRTESTCD"] or "no test"
            told = f"{test} NOT DONE, without a date" if _undated_not_done(row) else test
            tests[row["USUBJID"], row["reader"], row["TRLNKID"]].add(told)
        for key, lesion in known.items():
            if key in have or key not in tests or lesion["role"] == "new":
                continue
            found = f"{key[2]}: {', '.join(sorted(tests[key]))}"
            expected = "LDIAM or DIAMETER, of a lymph node LPERP or DIAMETER, or a state: TUMSTATE, LNSTATE"
            what, row = "no result of this lesion in TR counts", lesion["tu"][0]["row"]
            self._problem("TU", row, "TULNKID", what, found=found, expected=expected)

    def _seen(self, row: Row, domain: str, link: str, lesion: Row) -> Row:
        return {
            "subject": row["USUBJID"],
            "reader": row["reader"],
            "visit": row["VISIT"],
            "lesion": link,
            "date": self._date(row, domain, f"{domain}DTC"),
            "method": row["TRMETHOD"] or row["TUMETHOD"] or lesion["tu"][0]["TUMETHOD"],
            "file": domain,
            "row": row["row"],
            "named": any(_of_one_visit(row, one) for one in lesion["tu"]),
        } | {name: lesion[name] for name in ("role", "node", "site")}

    def _state(self, row: Row, words: Mapping[str, str]) -> str | None:
        column = "TRSTRESC" if "TRSTRESC" in row else "TRORRES"
        word = row[column]
        if word is None or self._is_undone(row, word):
            return None
        state = words.get(word.upper())
        if state is None:
            self._problem("TR", row["row"], column, "unknown tumour state", found=word, expected=", ".join(words))
        return state

    def _diameter(self, row: Row) -> float | None:
        result, unit = ("TRSTRESC", "TRSTRESU") if "TRSTRESC" in row else ("TRORRES", "TRORRESU")
        if self._is_undone(row, row[result] or row["TRORRES"]):
            return None
        if row[result] is None:
            if row["TRORRES"] is not None:
                mend = "give the standard result in mm"
                self._problem("TR", row["row"], result, "no standard result", found=row["TRORRES"], mend=mend)
            return None
        if row[unit] != "mm":
            mend = "convert the diameters to mm first"
            self._problem("TR", row["row"], unit, "a diameter not in mm", found=row[unit], expected="mm", mend=mend)
            return None
        column = next(c for c in LESIONS.columns if c.name == "diameter_mm")
        value, faults = parse(
            pl.DataFrame({column.name: [row[result]]}), Table("TR", "", (column,)), file=self.files["TR"]
        )
        for fault in faults:
            mend = "a lesion too small to measure counts 5 mm, one that is gone 0"
            self._problem("TR", row["row"], result, fault.what, found=row[result], expected=fault.expected, mend=mend)
        return None if faults else float(value.item())

    def _is_undone(self, row: Row, found: str | None) -> bool:
        """Return whether a row was not done; one that has a result beside that is a problem."""
        undone = row["TRSTAT"] == "NOT DONE"
        if undone and found is not None:
            mend = "empty one of the two: what was not done has no result"
            self._problem("TR", row["row"], "TRSTAT", "NOT DONE beside a result", found=found, mend=mend)
        return bool(undone)

    def _date(self, row: Row, domain: str, column: str) -> date | None:
        text = row[column]
        whole, month = FULL_DATE.fullmatch(text or ""), MONTH.fullmatch(text or "")
        when = whole_date(whole[1]) if whole else None
        if when is not None:
            return when
        try:
            if month and self.partial_dates == "last_day":
                return date(int(month[1]), int(month[2]), monthrange(int(month[1]), int(month[2]))[1])
        except ValueError:
            pass
        what = "no date" if text is None else "not a whole date"
        said = self.partial_dates == "last_day"
        expected = "YYYY-MM-DD, or YYYY-MM" if said else "YYYY-MM-DD"
        further = "" if said else ", or say `partial_dates: last_day` below analysis, clinical in study.yaml"
        mend = f"give the day of the scan{further}"
        self._problem(domain, row["row"], column, what, found=text, expected=expected, mend=mend)
        return None

    def _new_without_result(self, known: Mapping[tuple[Any, ...], Row], results: list[Row]) -> Iterator[Row]:
        """Yield each new lesion of TU at each visit where TU has it and TR no result."""
        have = {(row["subject"], row["reader"], row["visit"], row["lesion"]) for row in results}
        last = sorted((row for row in results if row["date"] is not None), key=lambda row: row["date"])
        dates = {(row["subject"], row["reader"], row["visit"]): row["date"] for row in last}
        for (subject, reader, link), lesion in known.items():
            for row in lesion["tu"] if lesion["role"] == "new" else ():
                at = (subject, reader, row["VISIT"])
                if (*at, link) in have:
                    continue
                dated = row | {"TUDTC": str(dates[at])} if row["TUDTC"] is None and at in dates else row
                yield self._seen(dated, "TU", link, lesion) | {"state": "present"}

    def _starts(self, day0: Mapping[str, str] | None, visit: str | None, seen: list[Row]) -> dict[str, date]:
        """Return the date of day 0 of each subject."""
        starts: dict[str, date] = {}
        for subject, text in (day0 or {}).items():
            whole = FULL_DATE.fullmatch(text)
            when = whole_date(whole[1]) if whole else None
            if when is not None:
                starts[subject] = when
            else:
                what = f"day 0 of subject {subject} is not a whole date"
                self.problems.append(ReadError(what, found=text, expected="YYYY-MM-DD"))
        for row in seen:
            if visit is not None and row["visit"] == visit and row["date"] is not None:
                starts[row["subject"]] = max(starts.get(row["subject"], row["date"]), row["date"])
        return starts

    def _is_dated(self, domain: str, subject: str, starts: Mapping[str, date]) -> bool:
        """Return whether a row has a day; one that is left out for want of day 0 is excluded."""
        if subject in starts or not self.leave_out:
            return True
        self.without_start.add(subject)
        self._exclude(domain, f"no date of the first infusion of {subject}: its scans have no day")
        return False

    def _day(self, row: Row, domain: str, subject: str, when: date | None, starts: Mapping[str, date]) -> int | None:
        if subject in starts:
            return None if when is None else (when - starts[subject]).days
        if subject not in self.without_start:
            self._problem(domain, row["row"], "USUBJID", "day 0 of this subject is not known", found=subject)
        self.without_start.add(subject)
        return None

    def _merge(self, seen: list[Row], starts: Mapping[str, date]) -> list[Row]:
        """Return one row a lesion and day, of its diameter and its state."""
        merged: dict[tuple[Any, ...], Row] = {}
        named = set()
        for row in seen:
            day = self._day(row, row["file"], row["subject"], row["date"], starts)
            key = (row["subject"], row["reader"], row["date"], row["lesion"])
            have = merged.setdefault(key, {})
            if row["named"]:
                named.add(key)
            for column in ("diameter_mm", "state"):
                if column not in row:
                    continue
                if column in have and have[column] != row[column]:
                    what = "two results differ for one lesion on one day"
                    self._problem(row["file"], row["row"], column, what, found=row["lesion"])
                elif column in have:
                    self._exclude(row["file"], "repeats another row")
            names = (name for name in row if name in LESIONS.names)
            have |= {name: row[name] for name in names} | {"day": day}
        return [have if key in named else have | _without_result(have) for key, have in merged.items()]

    def _responses(self, starts: Mapping[str, date]) -> Iterator[Row]:
        rows = self.cells.get("RS", [])
        says_recist = any(_by_recist(row) for row in rows)  # other names of a category may be the sponsor's own
        for row in rows:
            if row["RSTESTCD"] != "OVRLRESP":
                self._exclude("RS", "a test other than OVRLRESP")
                continue
            if says_recist and row["RSCAT"] is not None and not _by_recist(row):
                self._exclude("RS", f"a response by {row['RSCAT']} (RSCAT), not by RECIST")
                continue
            if row["RSSTAT"] == "NOT DONE":
                self._exclude("RS", "RSSTAT is NOT DONE")
                continue
            word = row["RSSTRESC"] or row["RSORRES"]
            if word not in RESPONSES:
                expected = ", ".join(RESPONSES)
                self._problem("RS", row["row"], "RSORRES", "unknown response", found=word, expected=expected)
            when = self._date(row, "RS", "RSDTC")
            if not self._is_dated("RS", row["USUBJID"], starts):
                continue
            yield {
                "subject": row["USUBJID"],
                "reader": row["reader"],
                "visit": row["VISIT"],
                "day": self._day(row, "RS", row["USUBJID"], when, starts),
                "response": word,
            }


def _by_recist(row: Row) -> bool:
    return (row["RSCAT"] or "").upper().startswith("RECIST")


def _of_one_visit(result: Row, named: Row) -> bool:
    """Return whether a result is of the visit, or of the day, at which a row of TU names its lesion."""
    days = (result["TRDTC"], named["TUDTC"])
    same_day = None not in days and days[0][:10] == days[1][:10]
    return same_day or (named["VISIT"] is not None and result["VISIT"] == named["VISIT"])


def _without_result(lesion: Row) -> Row:
    """Return the state of a new lesion at a visit at which TU does not name it and TR has no result of it."""
    nothing = lesion["role"] == "new" and lesion.get("diameter_mm") is None and lesion.get("state") is None
    return {"state": "not_evaluable"} if nothing else {}


def _undated_not_done(row: Row) -> bool:
    return bool(row["TRSTAT"] == "NOT DONE" and row["TRDTC"] is None)
