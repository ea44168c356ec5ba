"""What is not wrong with a study but worth knowing; one small function a rule, each returns its sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import polars as pl

from tilseq.errors import first_few, shown
from tilseq.identifiers import MISSING, without_zeros
from tilseq.io.advice import MISSING_WORDS
from tilseq.io.cuts import GROUP
from tilseq.study.checks import IDENTIFIERS, numbered
from tilseq.study.mistaken import (
    note_few_infused,
    note_files_of_other_visits,
    note_files_of_others,
    note_rows_of_others,
    note_specimens,
    present_files,
)
from tilseq.study.model import (
    INFUSIONS_FILE,
    LESIONS_FILE,
    OWN_ROLE,
    RESPONSES_FILE,
    SAMPLES_FILE,
    SUBJECTS_FILE,
    Folder,
    clinical_file,
    parts_of,
)
from tilseq.study.sniff import assay_of
from tilseq.tables.amounts import odd_amounts
from tilseq.tables.infusions import given_infusions

MOST_NAMED = 5
OWN_LOT = re.compile("[A-Za-z]|[0-9]{1,2}")
EXPRESSION = ("scrna", "bulk_rna")
ALWAYS_THERE = ("subject", "sample", "visit")  # identifiers that no row lacks
# Assays whose files may look alike: beads of cytokines are FCS, cells of either receptor share tables and HDF5.
ALIKE_BY_BYTES = ({"tcr", "bcr"}, {"flow", "cytokine"}, {"scrna", "bulk_rna"})
STIMULATION = ("stimulated", "unstimulated")
MOST_TIMES = 3.0  # by which an amount may differ from that of most tubes alike; a lost zero is ten
FEWEST_ALIKE = 3  # tubes, of which one can be odd
FLOW_ROLES = ("blank", *STIMULATION)  # roles of tubes that an analysis reads beside samples
# Columns that some analyses alone read: of which tables, or of samples with a mark; of samples.csv, of which assays.
SCANS, MARKED, NOT_GIVEN = ("lesions", "responses"), "marked samples", "infusions of 0 cells"
READ_WITH: dict[str, dict[str, tuple[str, ...]]] = {
    SUBJECTS_FILE: {"arm": (*SCANS, "followup", "adverse_events", "labs"), "age": SCANS, "sex": (*SCANS, *EXPRESSION)},
    INFUSIONS_FILE: {"cells": (MARKED, NOT_GIVEN)},
}
READ_FOR: dict[str, tuple[str, ...]] = {
    "format": ("tcr", "bcr"),
    "library": ("scrna", "tcr"),
    "stimulus": (),
    "run": ("tcr", "bcr", "bulk_rna", "scrna"),
    "batch": ("flow", "bulk_rna", "scrna"),
    "instrument": ("flow",),
    "panel": ("flow",),
    "plate": ("cytokine",),
    "locus": ("tcr", "bcr"),
    "count_of": ("tcr", "bcr"),
    "cells": ("tcr", "bcr"),
    "t_cell_fraction": ("tcr",),
    "input_ng": ("tcr",),
    "sample_volume_ul": ("flow",),
    "beads_per_tube": ("flow",),
    "dilution": ("flow",),
    "marked_population": ("flow", "tcr", "bcr"),
}


def named(names: Sequence[str]) -> str:
    """Return names as a sentence lists them, the first five of many."""
    names = list(dict.fromkeys(names))
    return first_few([shown(name) for name in names], MOST_NAMED)


def note_infusions(folder: Folder) -> list[str]:
    """Name subjects with samples but no infusion, whose days count from nothing; lots and rows that are of none."""
    if folder.samples is None or folder.infusions is None:
        return []
    infused = set(folder.infusions["subject"].drop_nulls())
    without = [s for s in folder.samples["subject"].drop_nulls().unique(maintain_order=True) if s not in infused]
    notes = [f"no infusion of {named(without)}: their days count from a day 0 not on record"] if without else []
    none = folder.infusions.filter(cells=0)["subject"].drop_nulls().to_list()
    notes += [f"rows of {INFUSIONS_FILE} with 0 cells are no infusions: {named(none)}"] if none else []
    lots = set(zip(folder.infusions["subject"], folder.infusions["lot"], strict=True))
    strange = [
        f"{cells['lot']} ({cells['subject']})"
        for _, cells in numbered(folder.samples)
        if cells["lot"] is not None
        and cells["subject"] in infused
        and (cells["subject"], cells["lot"]) not in lots
        and cells["specimen"] == "infusion_product"
    ]
    told = "lots sampled but not in infusions.csv, where each that was given is to stand"
    return notes + ([f"{told}: {named(strange)}"] if strange else [])


def note_lots(folder: Folder) -> list[str]:
    """Name lots that several subjects were given, and subjects of whose infusions a number is missing.

    Of one letter or number, as `init` drafts lots of `productA`, a lot is named within its subject.
    """
    if folder.infusions is None:
        return []
    given = folder.infusions.drop_nulls(("subject", "lot")).group_by("lot", maintain_order=True)
    shared = [
        f"{lot} ({', '.join(subjects)})"
        for lot, subjects in given.agg(pl.col("subject").unique(maintain_order=True)).iter_rows()
        if len(subjects) > 1 and not OWN_LOT.fullmatch(lot)
    ]
    numbers = folder.infusions.drop_nulls(("subject", "infusion")).group_by("subject", maintain_order=True)
    gaps = [who for who, last, rows in numbers.agg(pl.max("infusion"), n=pl.len()).iter_rows() if last != rows]
    told = "lots of several subjects by their names, while each is grown from a subject's own cells"
    notes = [f"{told}: {named(shared)}"] if shared else []
    return notes + (
        [f"infusions are not numbered 1, 2 and on, as where a row is missing: {named(gaps)}"] if gaps else []
    )


def note_subjects(folder: Folder) -> list[str]:
    """Name subjects without a sample."""
    if folder.samples is None or folder.subjects is None or not folder.samples.height:
        return []
    sampled = set(folder.samples["subject"])
    without = [subject for subject in folder.subjects["subject"].drop_nulls() if subject not in sampled]
    return [f"no sample of {named(without)}"] if without else []


def note_leading_zeros(folder: Folder) -> list[str]:
    """Name subjects that leading zeros or blanks alone tell apart: a row that lost them would be another subject's."""
    if folder.subjects is None:
        return []
    names = folder.subjects["subject"].drop_nulls().unique(maintain_order=True).to_list()
    shared = Counter(map(without_zeros, names))
    alike = [name for name in names if shared[without_zeros(name)] > 1]
    told = "subjects told apart by leading zeros or blanks alone, which a spreadsheet may have taken from a row"
    return [f"{told}: {named(alike)}"] if alike else []


def note_windows(folder: Folder) -> list[str]:
    """Name samples and scans outside the window of their visit; without one, on the other side of the infusion."""
    if folder.settings is None:
        return []
    visits = folder.settings.visits
    outside, across = [], []
    for name, day, called, planned in _days_of_visits(folder):
        visit = visits.get(called)
        if visit is None:
            continue
        window = visit.window if planned is None else planned
        apart = f"{name} (day {day}, {called} is {visit.day}"
        if window is not None and abs(day - visit.day) > window:
            outside.append(f"{apart}±{window})")
        if window is None and day * visit.day < 0:
            across.append(f"{apart})")
    notes = [f"outside the visit's window: {named(outside)}"] if outside else []
    lost = "on the other side of the infusion than their visit, as where a minus was lost"
    return notes + ([f"{lost}: {named(across)}"] if across else [])


def _days_of_visits(folder: Folder) -> Iterator[tuple[str, int, str, int | None]]:
    """Yield who has which day of which visit, and the window of the schedule: samples, then subjects by their scans."""
    schedule = folder.clinical.get("schedule")
    planned = {} if schedule is None else dict(schedule.select("visit", "window").drop_nulls().iter_rows())
    for frame, name, what, windows in (
        (folder.samples, "sample", "", {}),
        (folder.lesions, "subject", f" in {LESIONS_FILE}", planned),
        (folder.responses, "subject", f" in {RESPONSES_FILE}", planned),
    ):
        if frame is not None:
            known = frame.select(name, "day", "visit").drop_nulls().unique(maintain_order=True)
            yield from ((f"{who}{what}", day, visit, windows.get(visit)) for who, day, visit in known.iter_rows())


def note_timing(folder: Folder) -> list[str]:
    """Name blood of an infusion day that does not say whether it was drawn before or after, and timing elsewhere."""
    if folder.samples is None or folder.infusions is None:
        return []
    given = given_infusions(folder.infusions)
    infused = set(zip(given["subject"], given["day"], strict=True))
    open_, idle = [], []
    for _, cells in numbered(folder.samples):
        on_the_day = (cells["subject"], cells["day"]) in infused
        if on_the_day and cells["timing"] is None and cells["specimen"] in ("blood", "plasma", "serum"):
            open_.append(cells["sample"] or "")
        if not on_the_day and cells["timing"] is not None and cells["day"] is not None:
            idle.append(cells["sample"] or "")
    notes = [f"taken on a day of infusion, `timing` (pre or post) not given: {named(open_)}"] if open_ else []
    return notes + ([f"`timing` given but no infusion on that day: {named(idle)}"] if idle else [])


def note_names(folder: Folder) -> list[str]:
    """Name identifiers with a line break inside, which are kept."""
    odd = [
        value
        for frame in folder.tables().values()
        for name in IDENTIFIERS
        if name in frame.columns
        for value in frame[name].drop_nulls().filter(frame[name].drop_nulls().str.contains("\n", literal=True))
    ]
    return [f"a line break inside an identifier: {named(odd)}"] if odd else []


def note_missing_words(folder: Folder) -> list[str]:
    """Name columns of identifiers that may be empty and in which a word for a missing value stands: it is a name."""
    told = []
    for file, frame in folder.tables().items():
        for name in (name for name in IDENTIFIERS if name in frame.columns and name not in ALWAYS_THERE):
            words = frame[name].drop_nulls()
            words = words.filter(words.str.to_lowercase().is_in(MISSING_WORDS)).unique(maintain_order=True)
            told += [f"{file} {name} ({', '.join(words)})"] if words.len() else []
    return [f"taken for names; leave cells without a value empty: {'; '.join(told)}"] if told else []


def note_names_of_expression(folder: Folder) -> list[str]:
    """Name subjects and visits that designs of expression take for missing values."""
    if folder.samples is None:
        return []
    rows = folder.samples.filter(pl.col("assay").is_in(EXPRESSION))
    names = [one for name in ("subject", "visit") for one in rows[name].drop_nulls().unique() if one in MISSING]
    told = f"expression of {named(names)} takes no part in summed cells and contrasts: the name means a missing value"
    return [told] if names else []


def note_empty_files(folder: Folder) -> list[str]:
    """Name files of 0 bytes, whose samples will fail by themselves."""
    if folder.samples is None:
        return []
    paths = folder.samples.filter(pl.col("status").fill_null("ok") != "failed")["path"].drop_nulls()
    entries = [entry for path in paths for entry in parts_of(path)]
    entries += [path for sheet in folder.plates.values() for path in sheet["path"].drop_nulls()]
    empty = [entry for entry in entries if "\0" not in entry and ".." not in entry and _is_empty(folder, entry)]
    return [f"empty files, their samples will fail: {named(empty)}"] if empty else []


def _is_empty(folder: Folder, entry: str) -> bool:
    try:
        path = folder.root / entry
        return path.is_file() and path.stat().st_size == 0
    except OSError:
        return False


def note_kinds(folder: Folder) -> list[str]:
    """Name samples whose files are by their first bytes of another assay."""
    if folder.samples is None:
        return []
    odd = []
    for cells, path in present_files(folder):
        told = assay_of(path)
        if told not in (None, cells["assay"]) and {told, cells["assay"]} not in ALIKE_BY_BYTES:
            odd.append(f"{cells['sample']} ({cells['assay']}, its file looks like {told})")
    return (
        [f"files that look like another assay's, their samples will fail: {first_few(odd, MOST_NAMED)}"] if odd else []
    )


def note_follow_up(folder: Folder) -> list[str]:
    """Name infused subjects of whom follow-up has no row while others have one."""
    followup = folder.clinical.get("followup")
    if followup is None or not followup.height or folder.infusions is None:
        return []
    known = set(followup["subject"])
    without = [one for one in given_infusions(folder.infusions)["subject"].drop_nulls() if one not in known]
    told = f"no row in {clinical_file('followup')} of {named(without)}: no survival or other time of theirs can be told"
    return [told] if without else []


def note_excluded(folder: Folder) -> list[str]:
    """Name rows of clinical/ that took no part."""
    if folder.exclusions is not None and folder.exclusions.height:
        rows = folder.exclusions["rows"].sum()
        rules = folder.exclusions["rule"].unique(maintain_order=True).to_list()
        return [f"rows of clinical/ that take no part: {rows} ({'; '.join(rules)})"]
    return []


def note_not_analysed(folder: Folder) -> list[str]:
    """Name tables that no analysis reads."""
    read = {name for name, frame in folder.clinical.items() if frame.height}
    scans = any(frame is not None and frame.height for frame in (folder.lesions, folder.responses))
    unread = set() if "followup" in read or scans else {"schedule"}
    tables = [clinical_file(name) for name in folder.clinical if name in read & unread]
    return [f"read and checked, but not analysed yet: {', '.join(tables)}"] if tables else []


def note_samples_not_analysed(folder: Folder) -> list[str]:
    """Name samples of roles that no analysis reads."""
    if folder.samples is None:
        return []
    others: dict[str, list[str]] = {}
    for _, cells in numbered(folder.samples):
        role, name = cells["role"] or OWN_ROLE, cells["sample"] or ""
        if role != OWN_ROLE and (cells["assay"] != "flow" or role not in FLOW_ROLES):
            others.setdefault(role, []).append(name)
    return [f"role {role} is not analysed: {named(names)}" for role, names in others.items()]


def note_blanks(folder: Folder) -> list[str]:
    """Name blank tubes whose panel, instrument and batch no tube has: they limit none."""
    if folder.samples is None:
        return []
    tubes = folder.samples.filter(assay="flow").with_columns(pl.col("role").fill_null(OWN_ROLE))
    limited = set(tubes.filter(role=OWN_ROLE).select(GROUP).iter_rows())
    alone = [tube["sample"] for tube in tubes.filter(role="blank").to_dicts() if _group(tube) not in limited]
    told = f"blank tubes of a panel, instrument and batch that no other tube has limit nothing: {named(alone)}"
    return [told] if alone else []


def _group(tube: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(tube[name] for name in GROUP)


def note_unstimulated(folder: Folder) -> list[str]:
    """Name unstimulated tubes of subjects without a stimulated one, which are held against nothing."""
    if folder.samples is None:
        return []
    stimulated, unstimulated = (folder.samples.filter(assay="flow", role=role) for role in STIMULATION)
    alone = unstimulated.filter(~pl.col("subject").is_in(stimulated["subject"].to_list()))["sample"].to_list()
    return (
        [f"unstimulated tubes of subjects without a stimulated one are not analysed: {named(alone)}"] if alone else []
    )


def note_reference(folder: Folder) -> list[str]:
    """Name subjects whose TCR repertoires are held against no reference, as none of theirs is of its specimen."""
    if folder.samples is None or folder.settings is None:
        return []
    reference = folder.settings.analysis.repertoire.reference
    tcr = folder.samples.filter(assay="tcr").drop_nulls("subject")
    known = set(tcr.filter(specimen=reference)["subject"])
    without = [subject for subject in tcr["subject"].unique(maintain_order=True) if subject not in known]
    told = f"no tcr sample of {reference} (analysis.repertoire.reference) of {named(without)}: no clones are followed"
    return [told] if without else []


def note_gates_not_used(folder: Folder) -> list[str]:
    """Name stimulated and unstimulated tubes with a person's gates, which are gated automatically all the same."""
    if folder.samples is None or folder.settings is None or not folder.settings.gates:
        return []
    given = folder.settings.gates
    tubes = folder.samples.filter(pl.col("role").is_in(STIMULATION), assay="flow").to_dicts()
    names = [tube["sample"] for tube in tubes if tube["sample"] in given or tube["panel"] in given]
    return [f"a person's gates are not used of stimulated and unstimulated tubes: {named(names)}"] if names else []


def note_gates_of_some(folder: Folder) -> list[str]:
    """Name subjects of whose tubes of one panel a person gated some and not the others."""
    if folder.samples is None or folder.settings is None or not folder.settings.gates:
        return []
    given = folder.settings.gates
    by_person: dict[tuple[str, str | None], set[bool]] = {}
    for tube in folder.samples.filter(pl.col("role").fill_null(OWN_ROLE) == OWN_ROLE, assay="flow").to_dicts():
        gated = tube["sample"] in given or tube["panel"] in given
        by_person.setdefault((tube["subject"], tube["panel"]), set()).add(gated)
    mixed = [subject for (subject, _), kinds in by_person.items() if len(kinds) > 1]
    told = "a person gated some tubes of one panel and not the others, so that a course may be one of gates"
    return [f"{told}: {named(mixed)}"] if mixed else []


def note_amounts(folder: Folder) -> list[str]:
    """Name tubes whose beads, volume or dilution is far from that of most alike, or from what any tube holds."""
    if folder.samples is None:
        return []
    odd = []
    for name in ("beads_per_tube", "sample_volume_ul", "dilution"):
        usual = pl.col(name).median().over("specimen", "panel")
        alike = pl.col(name).count().over("specimen", "panel") >= FEWEST_ALIKE
        tubes = folder.samples.filter(pl.col(name).is_not_null(), assay="flow").with_columns(usual=usual, alike=alike)
        far = tubes.filter("alike", ~(pl.col(name) / pl.col("usual")).is_between(1 / MOST_TIMES, MOST_TIMES))
        odd += [f"{sample} ({name} {own:g}, mostly {of:g})" for sample, own, of in far["sample", name, "usual"].rows()]
    notes = [f"amounts that cells per µL rest on, far from those of tubes alike: {named(odd)}"] if odd else []
    counted = folder.samples.filter(pl.col("beads_per_tube").is_not_null(), assay="flow").to_dicts()
    strange = [f"{tube['sample']} ({', '.join(told)})" for tube in counted if (told := odd_amounts(tube))]
    return notes + (
        [f"beads or µL that hardly any tube holds, as in another unit: {named(strange)}"] if strange else []
    )


def note_unused_columns(folder: Folder) -> list[str]:
    """Name columns that are filled and that no analysis of their rows reads."""
    unused, there = [], _analysed(folder)
    for file, frame in folder.tables().items():
        idle = [name for name, read in READ_WITH.get(file, {}).items() if there.isdisjoint(read)]
        unused += [f"{file} {name}" for name in idle if frame[name].count()]
    if folder.samples is not None:
        rows = folder.samples.filter(pl.col("role").fill_null(OWN_ROLE) == OWN_ROLE)
        for name, assays in READ_FOR.items():
            others = rows.filter(pl.col(name).is_not_null(), ~pl.col("assay").is_in(assays))["assay"]
            of = f" of {', '.join(others.unique().sort())}" if assays else ""
            unused += [f"{SAMPLES_FILE} {name}{of}"] if others.count() else []
    return [f"columns that are filled and that no result uses: {'; '.join(unused)}"] if unused else []


def _analysed(folder: Folder) -> set[str]:
    """Return the tables of the clinic that hold a row, assays of expression, and marks of tubes and infusions."""
    tables = {"lesions": folder.lesions, "responses": folder.responses, **folder.clinical}
    there = {name for name, frame in tables.items() if frame is not None and frame.height}
    marked = folder.samples is not None and folder.samples.filter(assay="flow")["marked_population"].count()
    none = folder.infusions is not None and folder.infusions.filter(cells=0).height
    if folder.samples is not None:
        there |= {*EXPRESSION} & {*folder.samples["assay"].drop_nulls()}
    return there | ({MARKED} if marked else set()) | ({NOT_GIVEN} if none else set())


NOTES: tuple[Callable[[Folder], list[str]], ...] = (
    note_infusions,
    note_lots,
    note_subjects,
    note_leading_zeros,
    note_windows,
    note_timing,
    note_names,
    note_missing_words,
    note_names_of_expression,
    note_empty_files,
    note_kinds,
    note_follow_up,
    note_excluded,
    note_not_analysed,
    note_samples_not_analysed,
    note_blanks,
    note_unstimulated,
    note_reference,
    note_gates_not_used,
    note_gates_of_some,
    note_amounts,
    note_files_of_others,
    note_files_of_other_visits,
    note_rows_of_others,
    note_specimens,
    note_few_infused,
    note_unused_columns,
)
