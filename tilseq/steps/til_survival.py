"""TIL survival in blood: one job a subject, infused cells by a mark, and the kinetics of them and of the T cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tilseq.endpoints.parameters import INFUSED_UPPER_BOUND
from tilseq.steps import flow
from tilseq.steps.baselines import start_day
from tilseq.steps.job import Job, read_needed
from tilseq.steps.receptor_subjects import in_time
from tilseq.steps.reference import infused_days_before, is_after, told_of_course

if TYPE_CHECKING:
    import polars as pl

    from tilseq.flow.marked import CellsPerUl, InfusedShare, Lot, Marked
    from tilseq.study import Study

    Found = list[tuple[Mapping[str, Any], InfusedShare, str]]  # sample, its share, and how certain its T cells are

STEP = "til_survival"
T_CELLS = "CD3+"
NOTHING_BEFORE_DAY_0 = {"day": 0, "value": 0.0, "lower": 0.0, "upper": 0.0, "status": "not_detected"}
Counts = Mapping[str, "pl.DataFrame"]


def plan(study: Study) -> list[Job]:
    """Return one job for each subject with a tube of blood from after the infusion; it reads all tubes' counts."""
    from tilseq.study.names import safe_name
    from tilseq.tables.infusions import given_infusions

    infusions = given_infusions(study.infusions)
    of_subject: dict[str, list[Job]] = {}
    for job in flow.plan(study):
        of_subject.setdefault((job.sample or {})["subject"], []).append(job)
    jobs = []
    for subject, tubes in sorted(of_subject.items()):
        samples = {job.folder: dict(job.sample or {}) for job in tubes}
        if not any(map(_is_visit, samples.values())):
            continue
        jobs.append(
            Job(
                step=STEP,
                unit=subject,
                folder=f"{STEP}/{safe_name(subject)}",
                needs=tuple(samples),
                arguments={
                    "samples": samples,
                    "failed": _failed_products(study, subject),
                    "infusions": infusions.filter(subject=subject).select("day", "lot", "cells").to_dicts(),
                    "start_day": start_day(study, subject),
                    "overdispersion": study.settings.analysis.flow.marked_overdispersion,
                },
            )
        )
    return jobs


def run(job: Job, folder: Path) -> None:
    """Write the endpoints of a subject: infused cells at each visit by each mark, and kinetics."""
    from tilseq.io.write import write_parquet
    from tilseq.tables.outputs import ENDPOINTS

    counts = read_needed(job, folder, "counts")
    rows = _kinetics_of_t_cells(job, counts)
    marks = {sample["marked_population"] for sample in job.arguments["samples"].values()}
    for mark in sorted(marks - {None}):
        rows += _of_mark(job, counts, mark)
    write_parquet(rows, ENDPOINTS, folder)


def _failed_products(study: Study, subject: str) -> list[dict[str, Any]]:
    """Return the tubes of the product that gave nothing, by samples.csv: their lots were infused all the same."""
    rows = study.failed().filter(subject=subject, assay="flow", specimen="infusion_product")
    return rows.select("lot", "day", "timing", "marked_population").to_dicts()


def _is_visit(sample: Mapping[str, Any]) -> bool:
    """Whether a sample is blood from after the first infusion."""
    return sample["specimen"] == "blood" and is_after(sample)


def _of_mark(job: Job, counts: Counts, mark: str) -> list[dict[str, Any]]:
    """Return infused cells by one mark at each visit, and their kinetics."""
    from tilseq.flow.marked import infused_share, marked_events, marked_population

    samples: Mapping[str, Mapping[str, Any]] = job.arguments["samples"]
    tubes = [need for need, sample in samples.items() if sample["marked_population"] == mark]
    gated = {name for need in tubes if need in counts for name in counts[need]["population"]}
    population = marked_population(mark, gated)
    marked = {need: marked_events(counts[need], population) if need in counts else None for need in tubes}
    product: list[tuple[Mapping[str, Any], Marked | None]] = [
        (samples[need], marked[need]) for need in tubes if samples[need]["specimen"] == "infusion_product"
    ]
    product += [(row, None) for row in job.arguments["failed"] if row["marked_population"] == mark]
    baseline = _baseline(job, marked)
    rows: list[dict[str, Any]] = []
    found: Found = []
    for need in filter(lambda need: _is_visit(samples[need]), tubes):
        visit, sample = marked[need], samples[need]
        if need not in counts:  # its own job tells why
            continue
        if visit is None:
            rows += _not_gated(sample, population)
            continue
        cd3, certainty = _cd3_per_ul(job, counts, sample)
        share = infused_share(
            _lots(product, job.arguments["infusions"], sample),
            baseline,
            visit,
            upper_bound=True,
            seed=_seed(job.unit, sample["sample"], mark),
            cd3_per_ul=cd3,
            overdispersion=job.arguments["overdispersion"],
        )
        found.append((sample, share, certainty))
        rows += _endpoints(sample, population, share, certainty)
    return rows + _kinetics_of_infused(job, population, found)


def _baseline(job: Job, marked: Mapping[str, Marked | None]) -> Marked | None:
    """Return the last blood before lymphodepletion, None where there is none."""
    from tilseq.flow.marked import pooled

    start = job.arguments["start_day"]
    days: dict[int, list[Marked]] = {}
    for need, tube in marked.items():
        sample = job.arguments["samples"][need]
        early = start is not None and sample["day"] is not None and sample["day"] <= start
        if tube is not None and early and sample["specimen"] == "blood" and not _is_visit(sample):
            days.setdefault(sample["day"], []).append(tube)
    return pooled(days[max(days)]) if days else None


def _lots(
    product: Sequence[tuple[Mapping[str, Any], Marked | None]],
    infusions: Sequence[Mapping[str, Any]],
    visit: Mapping[str, Any],
) -> list[Lot]:
    """Return the lots that had been infused before a visit, each with the tubes counted of it.

    Where infusions.csv names no lot the product's own names part them, but for tubes taken after the visit, which
    nobody had got by then. Where it names none beside others, that infusion was of the product's lots that it does not
    name. A tube without a lot is of the only one. Of a subject who never got a cell there is none.
    """
    from tilseq.flow.marked import Lot, pooled

    cells: dict[str | None, list[float | None]] = {}
    if not infusions:
        return []
    named = {infusion["lot"] for infusion in infusions} - {None}
    if named:
        others = list(dict.fromkeys(row["lot"] for row, _ in product if row["lot"] not in named)) or [None]
        for infusion in infusions:
            of_infusion = others if infusion["lot"] is None else [infusion["lot"]]
            for lot in of_infusion if _is_before(infusion, visit) else ():
                cells.setdefault(lot, []).append(infusion["cells"] if len(of_infusion) == 1 else None)
    else:
        product = [(row, tube) for row, tube in product if row["day"] is None or _is_before(row, visit)]
        cells = {row["lot"]: [None] for row, _ in product}
    lots = []
    for lot, numbers in sorted(cells.items(), key=lambda item: item[0] or ""):  # draws go by lot, not by row
        names = (lot, None) if len(cells) == 1 else (lot,)
        tubes = [tube for row, tube in product if row["lot"] in names and tube is not None]
        known = [number for number in numbers if number is not None]
        lots.append(Lot(pooled(tubes) if tubes else None, sum(known) if len(known) == len(numbers) else None))
    return lots


def _is_before(one: Mapping[str, Any], visit: Mapping[str, Any]) -> bool:
    """Whether an infusion, or the taking of a product, came before a visit; blood of the day may be from before it."""
    return bool(one["day"] < visit["day"] or (one["day"] == visit["day"] and visit["timing"] != "pre"))


def _cd3_per_ul(job: Job, counts: Counts, sample: Mapping[str, Any]) -> tuple[CellsPerUl | None, str]:
    """Return CD3+ cells per microlitre of the blood of a sample, with its status: of several tubes by most events."""
    from tilseq.flow.marked import CellsPerUl
    from tilseq.flow.rare import status_of_counts

    drawn = [need for need, other in job.arguments["samples"].items() if _same_blood(sample, other)]
    rows = [row for need in drawn if (row := _absolute(counts, need)) is not None and row["events"]]
    if not rows:
        return None, "not_evaluable"
    row = max(rows, key=_events)
    names = ("cells_per_ul", "cells_per_ul_lower", "cells_per_ul_upper")
    return CellsPerUl(*(row[name] for name in names)), status_of_counts(row["events"])


def _same_blood(sample: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if sample["specimen_id"] is not None and other["specimen_id"] is not None:
        return bool(sample["specimen_id"] == other["specimen_id"])
    return all(sample[name] == other[name] for name in ("specimen", "visit", "day", "timing"))


def _absolute(counts: Counts, need: str) -> dict[str, Any] | None:
    """Return the row of CD3+ cells of a tube that counts cells per microlitre."""
    if need not in counts:
        return None
    rows = counts[need].filter(population=T_CELLS).drop_nulls(["cells_per_ul", "cells_per_ul_upper"])
    return rows.row(0, named=True) if rows.height else None


def _events(row: Mapping[str, Any]) -> int:
    return int(row["events"])


def _endpoints(sample: Mapping[str, Any], population: str, share: InfusedShare, certainty: str) -> list[dict[str, Any]]:
    """Return the rows of one visit: share of CD3+, cells per microlitre, probability above the blank."""
    from tilseq.endpoints.rows import endpoint
    from tilseq.flow.rare import least_certain

    shared: dict[str, Any] = {"qualifiers": {"population": population}, "n": share.n}
    method = INFUSED_UPPER_BOUND if share.reason is None else share.reason
    not_counted = share.reason is None and share.cells_per_ul is None
    told = share.status == "not_detected"
    return [
        endpoint(
            sample,
            "infused_share_of_cd3",
            share.value,
            lower=share.lower,
            upper=share.upper,
            interval_method="10,000 draws, beta-binomial, with the placing of gates",
            status=share.status,
            value_text=f"< {share.upper:.3g}" if told else None,
            method=method,
            **shared,
        ),
        endpoint(
            sample,
            "infused_cells_per_ul",
            share.cells_per_ul,
            lower=share.cells_per_ul_lower,
            upper=share.cells_per_ul_upper,
            interval_method="10,000 draws of the share and of CD3+ cells per µL",
            status="not_evaluable" if share.cells_per_ul is None else least_certain(share.status, certainty),
            value_text=f"< {share.cells_per_ul_upper:.3g}" if told and share.cells_per_ul_upper is not None else None,
            method="no CD3+ cells per µL were counted of this blood" if not_counted else method,
            **shared,
        ),
        endpoint(
            sample,
            "infused_probability_above_blank",
            share.probability_above_blank,
            method="chance that the visit holds a larger share of marked cells than the baseline"
            if share.reason is None
            else share.reason,
            **shared,
        ),
    ]


def _not_gated(sample: Mapping[str, Any], population: str) -> list[dict[str, Any]]:
    from tilseq.endpoints.rows import endpoint

    reason = f"the tube has no population {population} among its {T_CELLS} cells"
    names = ("infused_share_of_cd3", "infused_cells_per_ul", "infused_probability_above_blank")
    return [endpoint(sample, name, None, qualifiers={"population": population}, method=reason) for name in names]


def _kinetics_of_infused(job: Job, population: str, found: Found) -> list[dict[str, Any]]:
    """Return the kinetics of infused cells by one mark; before the infusion there are none.

    On a day with more marked cells than in the product infused cells were there, and how many cannot be told. On one
    without CD3+ cells per microlitre those that the share tells of were there, and are not lost before it. A further
    infusion ends the course, see `persistence_kinetics`.
    """
    from tilseq.flow.marked import ABOVE_PRODUCT
    from tilseq.flow.rare import least_certain

    found, ended = _up_to_next_infusion(found, job.arguments["infusions"])
    of_day: dict[int, tuple[InfusedShare, str]] = {}
    for sample, share, certainty in found:
        if share.reason is None and (sample["day"] not in of_day or of_day[sample["day"]][0].n < share.n):
            of_day[sample["day"]] = share, certainty
    shares, cells, seen = [], [], []
    for day, (share, certainty) in of_day.items():
        shares.append(
            {"day": day, "value": share.value, "lower": share.lower, "upper": share.upper, "status": share.status}
        )
        if share.cells_per_ul is not None:
            cells.append(
                {
                    "day": day,
                    "value": share.cells_per_ul,
                    "lower": share.cells_per_ul_lower,
                    "upper": share.cells_per_ul_upper,
                    "status": least_certain(share.status, certainty),
                }
            )
        elif share.status != "not_detected":
            seen.append(day)
    untold = sorted({sample["day"] for sample, share, _ in found if share.reason == ABOVE_PRODUCT} - of_day.keys())
    before = [NOTHING_BEFORE_DAY_0] if of_day and 0 not in of_day else []
    begun = (
        [f"areas begin with 0 on day 0 and rise to day {min(of_day)}, the first that was measured"] if before else []
    )
    label = "; ".join([INFUSED_UPPER_BOUND, *begun, *ended])
    rows = _kinetics(job, "infused_share_of_cd3", population, [*before, *shares], label, untold)
    return rows + _kinetics(
        job, "infused_cells_per_ul", population, [*before, *cells] if cells else [], label, untold, seen
    )


def _up_to_next_infusion(found: Found, infusions: Sequence[Mapping[str, Any]]) -> tuple[Found, list[str]]:
    """Return the visits between which no cells were given, from the first on, and what the reader must know of them."""
    found = sorted(found, key=lambda one: in_time(one[0]))
    given = [infused_days_before(sample, infusions) for sample, *_ in found]
    further = [day for days in given for day in days if day not in given[0]]
    course = [one for one, days in zip(found, given, strict=True) if days == given[0]]
    return course, told_of_course(given[0] if given else [], min(further, default=None))


def _kinetics_of_t_cells(job: Job, counts: Counts) -> list[dict[str, Any]]:
    """Return the kinetics of CD3+ cells per microlitre; nothing where no tube counts them."""
    from tilseq.flow.rare import status_of_counts

    of_day: dict[int, dict[str, Any]] = {}
    for need, sample in job.arguments["samples"].items():
        row = _absolute(counts, need)
        if row is not None and _is_visit(sample):
            day = sample["day"]
            of_day[day] = max(of_day.get(day, row), row, key=_events)
    series = [
        {
            "day": day,
            "value": row["cells_per_ul"],
            "lower": row["cells_per_ul_lower"],
            "upper": row["cells_per_ul_upper"],
            "status": status_of_counts(row["events"]),
        }
        for day, row in of_day.items()
    ]
    return _kinetics(job, "cells_per_ul", T_CELLS, series) if series else []


def _kinetics(
    job: Job,
    name: str,
    population: str,
    series: Sequence[Mapping[str, Any]],
    label: str | None = None,
    untold: Sequence[int] = (),
    seen: Sequence[int] = (),
) -> list[dict[str, Any]]:
    """Return the kinetics of one series, with the label of what marks infused cells where it is of these."""
    from tilseq.endpoints.kinetic_rows import kinetic_rows

    return kinetic_rows(
        {"subject": job.unit, "specimen": "blood", "assay": "flow"},
        name,
        series,
        qualifiers={"population": population},
        seed=_seed(job.unit, name, population),
        label=label,
        untold=untold,
        seen=seen,
        common_error=True,  # beads of one lot, one pipette; of infused cells product and baseline
    )


def _seed(*names: str) -> int:
    """Return the seed of what bears these names, the subject's first."""
    from tilseq.io.digest import sha256_of_value

    return int(sha256_of_value([STEP, *names])[:15], 16)
