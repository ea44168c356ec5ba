"""The beads of each analyte in each well of a plate: how many, and their median reporter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.medians import median_signal
from tilseq.cytokines.mixture import Floats, Mixture, assign, fit_mixture, fit_well, separations
from tilseq.cytokines.peaks import find_spots
from tilseq.cytokines.places import place_spots
from tilseq.cytokines.verdicts import FAILED, Well, judge_population, judge_well
from tilseq.errors import AnalysisError, did_you_mean, plural
from tilseq.kits import Kit, KitBead, refuse_unnamed
from tilseq.masked import refuse_masked

if TYPE_CHECKING:
    import polars as pl

    from tilseq.tables import Row
    from tilseq.tables.schema import Table

Key = tuple[str, str]

POOLED = 40_000  # events of all wells from which the places are found
FEWEST_OF_A_WELL = 500
CLEAR = 0.9  # probability from which an event is a bead of a population
ELSEWHERE = 0.5  # of the well's median population: as many events together beside the plate's are a population
LARGER_SD = 3.0  # above the centre of the largest beads, in forward scatter
NOT_FINITE = "a value that is not a finite number"
LARGER, UNCLEAR, OTHER = (
    "larger than a single bead: doublets",
    "not clearly a bead of one population",
    "not of the size and classifier of a bead of the kit: debris, doublets",
)


@dataclass(frozen=True)
class WellMap:
    """The events of one well with the population of each, as its bead map shows them.

    Attributes
    ----------
    plate, well
        Which.
    title
        What is in it.
    events
        float64, events × (forward, side, classifier, reporter), linear scale.
    places
        For each event the place of its analyte in `analytes`, -1 for none.
    analytes
        Those found on the plate.
    """

    plate: str
    well: str
    title: str
    events: Floats
    places: NDArray[np.intp]
    analytes: tuple[str, ...]


@dataclass(frozen=True)
class Beads:
    """The beads of a plate.

    Attributes
    ----------
    wells
        Table `bead_wells`.
    populations
        Table `bead_populations`.
    exclusions
        Table `exclusions`: events that are no single bead of the kit, by well and rule.
    maps
        One a well that was read.
    """

    wells: pl.DataFrame
    populations: pl.DataFrame
    exclusions: pl.DataFrame
    maps: list[WellMap]

    def __repr__(self) -> str:
        return f"Beads({plural(len(self.maps), 'well')}, {plural(self.populations.height, 'population')})"

    def tables(self) -> list[tuple[pl.DataFrame, Table]]:
        """Return each frame beside the table that it is."""
        from tilseq.tables.cytokines import BEAD_POPULATIONS, BEAD_WELLS
        from tilseq.tables.outputs import EXCLUSIONS

        return [(self.wells, BEAD_WELLS), (self.populations, BEAD_POPULATIONS), (self.exclusions, EXCLUSIONS)]


@dataclass(frozen=True)
class _Places:
    """The populations of a plate: those of the beads, how far apart they lie, what is odd, and the highest reporter."""

    mixture: Mixture
    beads: tuple[KitBead, ...]
    apart: Floats
    odd: Mapping[str, str]
    highest: float


@dataclass
class _Found:
    """Rows so far."""

    wells: list[Row] = field(default_factory=list)
    populations: list[Row] = field(default_factory=list)
    exclusions: list[Row] = field(default_factory=list)
    maps: list[WellMap] = field(default_factory=list)


def find_beads(
    sheet: Any,
    events: Mapping[Key, Floats],
    kits: Mapping[str, Kit],
    lost: Mapping[Key, str] | None = None,
    not_finite: Mapping[Key, int] | None = None,
) -> Beads:
    """Find the bead populations of a plate and read the median reporter of each in each well.

    Where populations lie is found from all wells of a plate and kit together: dense spots on the plane of forward
    scatter and classifier, matched with the kit's number and order, then a normal mixture in forward scatter, side
    scatter and classifier (natural logarithms) with an even background. Each well gets its own shares and a small
    shift that all its populations share. An event is a bead of a population where that is at least 90 % probable and
    the event lies within the population's 99.9 % ellipsoid; all others are counted in `exclusions`.
    A population with 50 beads or more passes, with fewer than 35 it fails (notes of kit makers; ISAC has no rule). It
    fails, too, where its median is not above 0, or beads do not tell the error of it.

    Parameters
    ----------
    sheet
        Table `plates`, polars or pandas. Wells of several plates and kits may stand in it.
    events
        By plate and well: events × (forward, side, classifier, reporter), linear scale.
    kits
        By the name that the sheet gives them.
    lost
        By plate and well, why a well has no events.
    not_finite
        By plate and well, how many events of no finite value its reader left out: they are told in `exclusions`.

    Returns
    -------
    Beads
        A row of `bead_wells` for every well of the sheet and every analyte of its kit, whatever was found.

    Raises
    ------
    AnalysisError
        Kits are not given by name, a well has no kit or one that is not known, one analyte stands in two kits of a
        plate, or a well of the sheet has neither events nor a reason.
    """
    from tilseq.tables.cytokines import BEAD_POPULATIONS, BEAD_WELLS
    from tilseq.tables.outputs import EXCLUSIONS

    refuse_unnamed(kits)
    rows = _wells(sheet)
    _check(rows, events, kits, lost or {})
    found = _Found()
    for plate, name in sorted({(row["plate"], row["kit"]) for row in rows}):
        chosen = [row for row in rows if (row["plate"], row["kit"]) == (plate, name)]
        _plate(found, chosen, events, kits[name], lost or {})
    for row in rows:
        number = (not_finite or {}).get((row["plate"], row["well"]), 0)
        if number:
            told = {"sample": row["sample"], "file": row["path"], "rule": NOT_FINITE, "rows": number}
            found.exclusions.append(told)
    return Beads(
        BEAD_WELLS.frame(found.wells),
        BEAD_POPULATIONS.frame(found.populations),
        EXCLUSIONS.frame(found.exclusions),
        found.maps,
    )


def _wells(sheet: Any) -> list[Row]:
    """Return the first row of each well of the sheet."""
    from tilseq.tables import as_polars

    first: dict[Key, Row] = {}
    for row in as_polars(sheet).iter_rows(named=True):
        first.setdefault((row["plate"], row["well"]), row)
    return list(first.values())


def _check(rows: list[Row], events: Mapping[Key, Floats], kits: Mapping[str, Kit], lost: Mapping[Key, str]) -> None:
    for row in rows:
        place = f"plate {row['plate']}, well {row['well']}"
        if row["kit"] not in kits:
            mend = None if row["kit"] is None else did_you_mean(row["kit"], list(kits))
            expected = f"one of {', '.join(kits)}"
            raise AnalysisError(
                f"{place}: no such kit", column="kit", found=row["kit"] or "", expected=expected, mend=mend
            )
        if (row["plate"], row["well"]) not in events and (row["plate"], row["well"]) not in lost:
            raise AnalysisError(f"{place}: the well has no events, and no reason is given")
        own = events.get((row["plate"], row["well"]), np.empty((0, 4)))
        refuse_masked(**{place: own})
        shape = np.shape(own)
        if len(shape) != 2 or shape[1] != 4:
            expected = "events × (forward, side, classifier, reporter)"
            raise AnalysisError(f"{place}: these are no events of beads", found=shape, expected=expected)
    for plate in {row["plate"] for row in rows}:
        names = sorted({row["kit"] for row in rows if row["plate"] == plate})
        owner: dict[str, str] = {}
        for name in names:
            for analyte in kits[name].analytes:
                if owner.setdefault(analyte, name) != name:
                    raise AnalysisError(
                        f"plate {plate}: two kits measure {analyte}, and a plate has one curve of an analyte",
                        column="kit",
                        found=f"{owner[analyte]}, {name}",
                        mend="give the wells of each kit a plate name of their own",
                    )


def _plate(found: _Found, rows: list[Row], events: Mapping[Key, Floats], kit: Kit, lost: Mapping[Key, str]) -> None:
    """Find the beads of the wells of one plate and kit."""
    plate = rows[0]["plate"]
    own = {row["well"]: events[plate, row["well"]] for row in rows if (plate, row["well"]) in events}
    places, missing = _places(own, kit)
    told: list[Row] = []
    for row in rows:
        absent = missing if row["well"] in own else dict.fromkeys(kit.analytes, lost.get((plate, row["well"]), ""))
        told += [_row(row, bead, absent[bead.analyte]) for bead in kit.beads if bead.analyte in absent]
        if row["well"] in own and places is not None:
            told += _read(found, row, own[row["well"]], places)
    found.wells += told
    odd = {} if places is None else places.odd
    for bead in kit.beads:
        found.populations.append(
            _population(plate, kit, bead, told, len(own), odd.get(bead.analyte)) | _where(places, bead)
        )


def _logs(events: Floats) -> Floats:
    """Return the natural logarithms of forward scatter, side scatter and classifier; what is below 1 stands at 0."""
    return np.log(np.maximum(np.asarray(events[:, :3], np.float64), 1.0))


def _places(own: Mapping[str, Floats], kit: Kit) -> tuple[_Places | None, dict[str, str]]:
    """Return the populations of a plate, and why those that are not among them were not found.

    Parameters
    ----------
    own
        Events by well.
    kit
        The kit.
    """
    filled = [events for events in own.values() if len(events)]
    if not filled:
        return None, dict.fromkeys(kit.analytes, "no well of this plate holds an event")
    each = max(FEWEST_OF_A_WELL, POOLED // len(filled))
    pooled = np.concatenate([_logs(events[:: -(-len(events) // each)]) for events in filled])
    # What stands at a detector's highest value has no size.
    pooled = pooled[(pooled[:, :2] < pooled[:, :2].max(axis=0)).all(axis=1)]
    if not len(pooled):
        return None, dict.fromkeys(kit.analytes, "all events of this plate have one size")
    spots, spot_of = find_spots(pooled[:, 0], pooled[:, 2])
    placed = place_spots(spots, kit)
    beads = tuple(bead for bead in kit.beads if bead.analyte in placed.spots)
    if not beads:
        return None, placed.missing
    start = np.full(len(pooled), -1, dtype=np.intp)
    for place, bead in enumerate(beads):
        start[spot_of == placed.spots[bead.analyte]] = place
    mixture = fit_mixture(pooled, start, len(beads))
    highest = max(float(events[:, 3].max()) for events in filled)
    return _Places(mixture, beads, separations(mixture), placed.odd, highest), placed.missing


def _read(found: _Found, row: Row, events: Floats, places: _Places) -> list[Row]:
    """Return the rows of the analytes found on the plate in one well."""
    logs = _logs(events)
    mixture, shift = fit_well(logs, places.mixture)
    owner, inside = assign(logs, mixture, CLEAR)
    _exclude(found, row, logs, owner, inside, mixture)
    analytes = tuple(bead.analyte for bead in places.beads)
    elsewhere = _elsewhere(logs, owner, len(analytes))
    found.maps.append(WellMap(row["plate"], row["well"], _title(row), events, owner, analytes))
    told = []
    for place, bead in enumerate(places.beads):
        reporter = events[owner == place, 3]
        median = median_signal(reporter)
        at_highest = float(np.mean(reporter >= places.highest)) if len(reporter) else 0.0
        verdict, reason = judge_well(
            Well(
                beads=len(reporter),
                signal=median.signal,
                error=median.se_log,
                shift=shift,
                separation=float(places.apart[place]),
                at_highest=at_highest,
                odd=places.odd.get(bead.analyte),
                elsewhere=elsewhere,
            )
        )
        told.append(
            _row(row, bead)
            | {"beads": len(reporter), "signal": median.signal, "signal_se_log": median.se_log}
            | {"signal_cv_beads": median.cv, "at_highest": at_highest, "verdict": verdict, "reason": reason}
        )
    return told


def _elsewhere(logs: Floats, owner: NDArray[np.intp], populations: int) -> str | None:
    """Return what tells that a well's beads lie off the plate's, so that some may stand where other analytes' should.

    It is looked for where a population lacks its beads and others do not: then no event may lie together beside them.
    """
    counts = np.bincount(owner[owner >= 0], minlength=populations)
    left = logs[owner < 0]
    there = counts[counts >= FAILED]
    if len(there) in (0, populations) or not len(left):
        return None
    most = max((spot.events for spot in find_spots(left[:, 0], left[:, 2])[0]), default=0)
    if most < ELSEWHERE * np.median(there):
        return None
    return f"{most} events lie together where the plate has no population: beads of this well lie elsewhere"


def _row(row: Row, bead: KitBead, fault: str | None = None) -> Row:
    """Return what a row says without a bead; with a fault it fails for that reason."""
    own = {name: row[name] for name in ("plate", "well", "role", "sample", "level", "kit")}
    told = {"analyte": bead.analyte, "population": bead.population}
    return own | told | ({} if fault is None else {"verdict": "fail", "reason": fault})


def _title(row: Row) -> str:
    return " · ".join(part for part in (row["well"], row["role"], row["level"], row["sample"]) if part)


def _exclude(
    found: _Found, row: Row, logs: Floats, owner: NDArray[np.intp], inside: NDArray[np.bool_], mixture: Mixture
) -> None:
    """Count the events of a well that are no single bead of the kit."""
    top = mixture.centres[:, 0] + LARGER_SD * np.sqrt(mixture.covariances[:, 0, 0])
    none, larger = owner < 0, logs[:, 0] > top.max()
    counts = {LARGER: none & ~inside & larger, UNCLEAR: none & inside, OTHER: none & ~inside & ~larger}
    for rule, which in counts.items():
        if which.any():
            told = {"sample": row["sample"], "file": row["path"], "rule": rule, "rows": int(which.sum())}
            found.exclusions.append(told)


def _population(plate: str, kit: Kit, bead: KitBead, told: list[Row], read: int, odd: str | None) -> Row:
    own = [row for row in told if row["analyte"] == bead.analyte]
    counted = [row for row in own if row.get("beads") is not None]
    failed = [row for row in counted if row["verdict"] == "fail"]
    verdict, reason = judge_population(len(counted), len(failed), own, odd)
    return {
        "plate": plate,
        "kit": kit.name,
        "analyte": bead.analyte,
        "population": bead.population,
        "beads": sum(row["beads"] for row in counted) if counted else None,
        "wells": read,
        "wells_failed": len(failed),
        "verdict": verdict,
        "reason": reason,
    }


def _where(places: _Places | None, bead: KitBead) -> Row:
    """Return where a population of the plate lies; nothing where it was not found."""
    if places is None or bead not in places.beads:
        return {}
    place = places.beads.index(bead)
    forward, side, classifier = np.exp(places.mixture.centres[place]).tolist()
    spread = np.sqrt(np.diag(places.mixture.covariances[place])).tolist()
    apart = float(places.apart[place])
    told = {"forward": forward, "side": side, "classifier": classifier}
    return told | {
        "forward_cv": spread[0],
        "classifier_cv": spread[2],
        "separation_sd": apart if np.isfinite(apart) else None,
    }
