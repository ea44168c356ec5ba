"""Results of a run in the form of CDISC's ADaM: names, relative days and flags as statisticians know them.

Relative days are those of the Analysis Data Model: the reference day is 1, the day before it -1, and there is no day 0
(Analysis Data Model Implementation Guide 1.3, `ADY`).
"""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal, get_args

import polars as pl

from tilseq.endpoints.parameters import ALL
from tilseq.errors import AnalysisError, first_few, refuse_unknown
from tilseq.lab_tests import LIMITS, OPERATORS
from tilseq.tables import Table, as_polars
from tilseq.tables.adam import ADAE, ADAM_TABLES, ADBM, ADLB, ADRS, ADSL, ADTR, ADTTE
from tilseq.tables.infusions import given_infusions

Reference = Literal["infusion", "lymphodepletion", "first_dose", "enrollment", "randomization"]
SEXES = {"female": "F", "male": "M", "other": "U", "unknown": "U"}
TIMES = {
    "OS": ("OS", "Overall survival"),
    "PFS": ("PFS", "Progression-free survival"),
    "TTP": ("TTP", "Time to progression"),
    "DOR": ("DOR", "Duration of response"),
    "TTR": ("TTR", "Time to response"),
    "follow_up": ("FUP", "Follow-up"),
}
# Column of a table of responses → code and name of its parameter.
RESPONSES = {
    "recorded": ("OVRREC", "Overall response, recorded"),
    "response": ("OVRDER", "Overall response, derived"),
    "target_response": ("TRGRESP", "Response of target lesions, derived"),
    "nontarget_response": ("NTRGRESP", "Response of non-target lesions, derived"),
}
BEST = {
    ("recorded", "not_required"): ("BORREC", "Best overall response, recorded"),
    ("derived", "not_required"): ("BORDER", "Best overall response, derived"),
    ("recorded", "required"): ("CBORREC", "Confirmed best overall response, recorded"),
    ("derived", "required"): ("CBORDER", "Confirmed best overall response, derived"),
}
BIOMARKERS = [one.name for one in ALL if one.laboratory != "clinical"]
# Of these the ones whose value is itself a day, and counts as all days do.
DAYS = [name for name in BIOMARKERS if name.endswith(("_day_of_peak", "_last_day_quantified", "_time_to_loss"))]


def adam(
    tables: Mapping[str, pl.DataFrame],
    subjects: Any,
    infusions: Any,
    *,
    study: str,
    reference: Reference = "infusion",
) -> list[tuple[pl.DataFrame, Table]]:
    """Return the results of a run as ADSL, ADTTE, ADTR, ADRS, ADLB, ADAE and ADBM.

    Parameters
    ----------
    tables
        Tables of a run by name: `time_to_event`, `response`, `best_response`, `lab_grades`, `adverse_event_rows` and
        `endpoints`.
    subjects, infusions
        The study's tables of these names, polars or pandas; infusions up to the data cut; all days count from the first
        infusion, day 0. One of 0 cells is none.
    study
        Name of the study, for STUDYID.
    reference
        What relative days count from, as day 1.

    Returns
    -------
    list of (polars.DataFrame, Table)
        The datasets with what their columns are. Days stay days: no date is known to a result.

    Raises
    ------
    AnalysisError
        Tables are not given by name, there is no such reference, subjects have no day of it, or results are of others
        than these subjects.
    """
    if not isinstance(tables, Mapping):
        mend = "of results give `.tables`"
        raise AnalysisError("tables are given by their names", found=type(tables).__name__, mend=mend)
    refuse_unknown("reference", reference, get_args(Reference))
    subjects, infusions = as_polars(subjects), as_polars(infusions)
    days = _reference_days(subjects, reference)
    datasets = {
        ADSL: _adsl(subjects, given_infusions(infusions), days),
        ADTTE: _adtte(_with(tables["time_to_event"], days)),
        ADTR: _adtr(_with(tables["response"], days)),
        ADRS: _adrs(_with(tables["response"], days), _with(tables["best_response"], days)),
        ADLB: _adlb(_with(tables["lab_grades"], days)),
        ADAE: _adae(_with(tables["adverse_event_rows"].drop_nulls("subject"), days)),
        ADBM: _adbm(_with(tables["endpoints"], days)),
    }
    keys = (pl.lit(study).alias("STUDYID"), pl.col("subject").alias("USUBJID"))
    return [(datasets[table].with_columns(keys).select(table.names), table) for table in ADAM_TABLES]


def _reference_days(subjects: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Return the day of the reference of each subject."""
    day = pl.lit(0) if reference == "infusion" else pl.col(f"{reference}_day")
    days = subjects.select("subject", day.cast(pl.Int64).alias("reference_day"))
    without = days.filter(pl.col("reference_day").is_null())["subject"].to_list()
    if without:
        raise AnalysisError(
            f"relative days cannot count from {reference}, of which these subjects have no day",
            found=first_few(without, 5),
            mend="give it in subjects.csv, or choose another reference",
        )
    return days


def _with(table: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """Return a table with the day of the reference of each row's subject."""
    strange = table.join(days, on="subject", how="anti")["subject"].unique().sort().to_list()
    if strange:
        mend = "give the subjects of the study that was run"
        raise AnalysisError("results are of subjects of none of the study", found=first_few(strange, 5), mend=mend)
    return table.join(days, on="subject", how="left", maintain_order="left")


def relative(day: str) -> pl.Expr:
    """Return a day, counted as tilseq does, as a relative day: day 1 is `reference_day`, and no day is 0."""
    passed = pl.col(day) - pl.col("reference_day")
    return passed + (passed >= 0).cast(pl.Int64)


def _flag(column: str) -> pl.Expr:
    """Return a yes or no as `Y` or `N`."""
    return pl.when(pl.col(column)).then(pl.lit("Y")).when(~pl.col(column)).then(pl.lit("N"))


def _adsl(subjects: pl.DataFrame, infusions: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    # A sum in which one lot's cells are not known is not known.
    known = pl.col("cells").is_not_null().all()
    infused = infusions.group_by("subject").agg(
        first_infusion=pl.col("day").min(), cells=pl.when(known).then(pl.col("cells").sum())
    )
    return _with(subjects, days).join(infused, on="subject", how="left", maintain_order="left").select(
        "subject",
        SUBJID=pl.col("subject"),
        AGE=pl.col("age"),
        AGEU=pl.when(pl.col("age").is_not_null()).then(pl.lit("YEARS")),
        SEX=pl.col("sex").replace_strict(SEXES),
        ARM=pl.col("arm"),
        TUMTYPE=pl.col("tumor_type"),
        TRTFL=pl.when(pl.col("first_infusion").is_not_null()).then(pl.lit("Y")).otherwise(pl.lit("N")),
        ENRLDY=relative("enrollment_day"),
        RANDDY=relative("randomization_day"),
        HARVDY=relative("harvest_day"),
        FDOSEDY=relative("first_dose_day"),
        LDEPLDY=relative("lymphodepletion_day"),
        INFDY=relative("first_infusion"),
        INFCELLS=pl.col("cells"),
    )  # fmt: skip


def _adtte(times: pl.DataFrame) -> pl.DataFrame:
    known = pl.col("event").is_not_null()
    return times.select(
        "subject",
        PARAM=pl.col("parameter").replace_strict({name: words for name, (_, words) in TIMES.items()}),
        PARAMCD=pl.col("parameter").replace_strict({name: code for name, (code, _) in TIMES.items()}),
        EVALID=pl.col("reader"),
        AVAL=pl.when(known).then(pl.col("days")),
        AVALU=pl.when(known & pl.col("days").is_not_null()).then(pl.lit("DAYS")),
        CNSR=(~pl.col("event")).cast(pl.Int64),
        STARTDY=relative("start_day"),
        ORIGIN=pl.col("origin"),
        ADY=relative("end_day"),
        EVNTDESC=pl.when(pl.col("event")).then(pl.col("description")),
        CNSDTDSC=pl.when(~pl.col("event")).then(pl.col("description")),
        SRCDOM=pl.col("source_table"),
        SRCDY=relative("source_row_day"),
        REASON=pl.when(known).then(pl.col("reason")).otherwise(
            pl.concat_str("description", "reason", separator="; ", ignore_nulls=True)
        ),
    )  # fmt: skip


def _adtr(responses: pl.DataFrame) -> pl.DataFrame:
    sums = responses.filter(pl.col("targets") > 0).sort("subject", "reader", "day", maintain_order=True)
    of_reader = ("subject", "reader")
    begun = pl.col("baseline").cast(pl.Int64).cum_sum().over(of_reader) > 0
    counted = pl.when(begun).then(pl.col("sum_mm"))
    sums = sums.with_columns(
        base=pl.col("sum_mm").filter(pl.col("baseline")).first().over(of_reader),
        nadir=counted.cum_min().forward_fill().shift(1).over(of_reader),
    )
    after = begun & ~pl.col("baseline")
    return sums.select(
        "subject",
        PARAM=pl.lit("Sum of diameters of target lesions (mm)"),
        PARAMCD=pl.lit("SDIAM"),
        EVALID=pl.col("reader"),
        AVISIT=pl.col("visit"),
        ADY=relative("day"),
        AVAL=pl.col("sum_mm"),
        AVALU=pl.lit("mm"),
        ABLFL=pl.when(pl.col("baseline")).then(pl.lit("Y")),
        BASE=pl.when(begun).then(pl.col("base")),
        PCHG=pl.when(after).then(pl.col("change_from_baseline_pct")),
        NADIR=pl.when(after).then(pl.col("nadir")),
        PCHGNAD=pl.when(after).then(pl.col("change_from_nadir_pct")),
        LSEXP=pl.col("targets"),
        LSASS=pl.col("targets_measured"),
    )


def _adrs(responses: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
    unsaid = pl.lit(None, pl.String)
    of_visits = [
        _responses(
            responses.drop_nulls(column), name, pl.col(column), pl.col("reason") if column == "response" else unsaid
        )
        for column, name in RESPONSES.items()
    ]
    word = pl.col("best_response").replace("not_assessed", "MISSING")
    of_subjects = [
        _responses(best.filter(source=source, confirmation=confirmation), name, word, pl.col("reason"))
        for (source, confirmation), name in BEST.items()
    ]
    return pl.concat([*of_visits, *of_subjects])


def _responses(rows: pl.DataFrame, name: tuple[str, str], word: pl.Expr, reason: pl.Expr) -> pl.DataFrame:
    """Return the rows of one parameter of ADRS, by its code and name; the best responses alone are confirmed."""
    code, words = name
    return rows.select(
        "subject",
        PARAM=pl.lit(words),
        PARAMCD=pl.lit(code),
        EVALID=pl.col("reader"),
        AVISIT=pl.col("visit"),
        ADY=relative("day"),
        AVALC=word,
        CONFDY=relative("confirmation_day") if "confirmation_day" in rows.columns else pl.lit(None, pl.Int64),
        REASON=reason,
    )


def _adlb(grades: pl.DataFrame) -> pl.DataFrame:
    def on(side: str, column: str) -> pl.Expr:
        return pl.when(direction=side).then(pl.col(column))

    # A result below or above what can be measured is a limit and no number; what was written has its own unit.
    limit = pl.col("value_text").str.strip_chars().str.extract(f"^({LIMITS})").replace(OPERATORS)
    return grades.select(
        "subject",
        PARAM=pl.col("test"),
        ADY=relative("day"),
        APHASE=pl.col("period"),
        AVAL=pl.when(limit.is_null()).then(pl.col("value")),
        AVALC=pl.concat_str(limit, pl.col("value").cast(pl.String).str.strip_suffix(".0")),
        AVALU=pl.col("unit"),
        LBORRES=pl.col("value_text"),
        ATOXDSCL=on("low", "term"),
        ATOXGRL=on("low", "grade"),
        BTOXGRL=on("low", "baseline_grade"),
        ATOXDSCH=on("high", "term"),
        ATOXGRH=on("high", "grade"),
        BTOXGRH=on("high", "baseline_grade"),
        ATOXVER=pl.col("version"),
        REASON=pl.col("reason"),
    )


def _adae(events: pl.DataFrame) -> pl.DataFrame:
    return events.select(
        "subject",
        AETERM=pl.col("term"),
        AEDECOD=pl.col("counted_term"),
        AEBODSYS=pl.col("counted_soc"),
        ASTDY=relative("start_day"),
        AENDY=relative("end_day"),
        ADURN=pl.col("duration_days"),
        ADURU=pl.when(pl.col("duration_days").is_not_null()).then(pl.lit("DAYS")),
        ATOXGR=pl.col("grade"),
        AESER=_flag("serious"),
        AREL=pl.col("related"),
        IRAEFL=_flag("immune_related"),
        TRTEMFL=_flag("emergent"),
        APHASE=pl.col("period"),
        ANL01FL=_flag("counted"),
        SRCSEQ=pl.col("row"),
        REASON=pl.col("reason"),
    )


def _adbm(endpoints: pl.DataFrame) -> pl.DataFrame:
    named = pl.concat_str("parameter", pl.col("qualifier").replace("", None), separator=" ", ignore_nulls=True)
    is_day = pl.col("parameter").is_in(DAYS)
    value, lower, upper = (
        pl.when(is_day).then(relative(name)).otherwise(pl.col(name)) for name in ("value", "lower", "upper")
    )
    still_there = pl.format("> {} d", value.cast(pl.Int64))  # the only words that stand for a day
    word = pl.col("value_text")
    return endpoints.filter(pl.col("parameter").is_in(BIOMARKERS)).select(
        "subject",
        PARAM=named,
        PARAMCD=named.map_elements(_code, return_dtype=pl.String),
        AVISIT=pl.col("visit"),
        ADY=relative("day"),
        ATPT=pl.col("timing"),
        SPEC=pl.col("specimen"),
        ASSAY=pl.col("assay"),
        SAMPLE=pl.col("sample"),
        AVAL=value,
        AVALC=pl.when(is_day & word.is_not_null()).then(still_there).otherwise(word),
        AVALU=pl.col("unit"),
        AVALLL=lower,
        AVALUL=upper,
        ALIMMETH=pl.col("interval_method"),
        ASTATUS=pl.col("status"),
        AMETHOD=pl.col("method"),
    )


def _code(name: str) -> str:
    """Return eight characters that stand for a parameter in every study: names are longer than ADaM allows codes."""
    return f"B{b32encode(sha256(name.encode()).digest())[:7].decode()}"
