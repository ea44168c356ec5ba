"""From the beads of a plate to concentrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tilseq.cytokines.concentrations import Content, concentrations_of
from tilseq.cytokines.curve import Model, check_model
from tilseq.cytokines.curve_rows import (
    CurveOf,
    curve_row,
    dilution_rows,
    doubts_of,
    passed_by,
    recovery_rows,
    unusable,
)
from tilseq.cytokines.limits import levels_of, limits_of
from tilseq.cytokines.plate_doubts import (
    EXCHANGED,
    brighter_blanks,
    exchanged_wells,
    left_out,
    multiplied,
    other_series,
)
from tilseq.cytokines.standards import Standard, fit_standards
from tilseq.cytokines.verdicts import saturated
from tilseq.errors import AnalysisError, TableError, plural
from tilseq.kits import Kit, refuse_unnamed

if TYPE_CHECKING:
    import polars as pl

    from tilseq.tables import Row
    from tilseq.tables.schema import Table


FEWEST_LEVELS = 4
HOOK_SD, HOOK_LEAST = 3.0, 0.1  # standard deviations, and ln signal, by which a higher standard shines less


@dataclass(frozen=True)
class Quantified:
    """What a plate tells of its samples.

    Attributes
    ----------
    curves, recovery, dilution
        Tables `standard_curves`, `standard_recovery`, `dilution_errors`.
    concentrations, samples
        Tables `concentrations` (by well) and `sample_concentrations`.
    """

    curves: pl.DataFrame
    recovery: pl.DataFrame
    dilution: pl.DataFrame
    concentrations: pl.DataFrame
    samples: pl.DataFrame

    def tables(self) -> list[tuple[pl.DataFrame, Table]]:
        """Return each frame beside the table that it is."""
        from tilseq.tables import cytokines as known

        return [
            (self.curves, known.STANDARD_CURVES),
            (self.recovery, known.STANDARD_RECOVERY),
            (self.dilution, known.DILUTION_ERRORS),
            (self.concentrations, known.CONCENTRATIONS),
            (self.samples, known.SAMPLE_CONCENTRATIONS),
        ]


def quantify(
    sheet: Any,
    bead_wells: Any,
    kits: Mapping[str, Kit],
    *,
    model: Model | None = None,
    shared_dilution: bool = True,
) -> Quantified:
    """Fit the standard curves of each plate and kit and read its samples from them.

    Concentrations are in the undiluted sample. A signal below or above the range of its curve gives no number but a
    status with the limit (that of the range, or of the sample's own interval where it reaches beyond), never an
    extrapolation. The 95 % interval holds what a plate can know: the beads, how far wells of one content differ on the
    plate, and the curve with the dilution errors of its standards; not the sample's own dilution, which its wells
    share, nor the matrix.

    Parameters
    ----------
    sheet
        Table `plates`, polars or pandas. A standard's concentration is the sheet's, else that of the kit by its level
        (`Kit.nominal`). A control without a dilution is taken as undiluted.
    bead_wells
        Table `bead_wells` of `find_beads`. Rows that failed take no part.
    kits
        By the name that the sheet gives them.
    model
        4PL or 5PL for all curves; by default a 5PL, and a 4PL where the data speak for it; see `fit_standards`.
    shared_dilution
        Whether to fit the dilution error of each standard level that all analytes share.

    Returns
    -------
    Quantified
        A row for every well of a sample or control and every analyte of its kit.

    Raises
    ------
    TableError
        One of the two is not its table, or the sheet lacks a well of the other.
    AnalysisError
        Two wells of one standard level should hold different concentrations, one of them 0, or a blank anything; there
        is no such model; kits are not given by name.
    """
    import polars as pl

    from tilseq.tables import as_polars, conform
    from tilseq.tables import cytokines as tables
    from tilseq.tables.inputs import PLATES

    refuse_unnamed(kits)
    if model is not None:
        check_model(model)
    rows: dict[str, list[Row]] = {"curves": [], "recovery": [], "dilution": [], "wells": [], "samples": []}
    sheet, beads = conform(as_polars(sheet), PLATES), conform(as_polars(bead_wells), tables.BEAD_WELLS)
    strange = beads.join(sheet, on=("plate", "well"), how="anti")
    if strange.height:
        found = f"well {strange['well'][0]} of plate {strange['plate'][0]}"
        raise TableError("bead_wells holds a well that the sheet does not name", column="well", found=found)
    dark = beads.filter(pl.col("verdict") != "fail", ~(pl.col("signal") > 0).fill_null(False))
    if dark.height:
        raise TableError(
            "beads that did not fail have a signal above 0", column="signal", found=dark["signal"][0] or "none"
        )
    for plate, kit in sheet.select("plate", "kit").unique().sort("plate", "kit").iter_rows():
        own, of_kit = (frame.filter(frame["plate"] == plate, frame["kit"].eq_missing(kit)) for frame in (sheet, beads))
        _Plate(plate, kit, own.to_dicts(), of_kit.to_dicts(), kits).read(rows, model, shared_dilution)
    return Quantified(
        tables.STANDARD_CURVES.frame(rows["curves"]),
        tables.STANDARD_RECOVERY.frame(rows["recovery"]),
        tables.DILUTION_ERRORS.frame(rows["dilution"]),
        tables.CONCENTRATIONS.frame(rows["wells"]),
        tables.SAMPLE_CONCENTRATIONS.frame(rows["samples"]),
    )


class _Plate:
    """The wells of one plate and kit by analyte: each kit has standards of its own."""

    def __init__(self, plate: str, kit: str, sheet: list[Row], beads: list[Row], kits: Mapping[str, Kit]) -> None:
        self.plate, self.kit = plate, kits.get(kit)
        self.sheet = {(row["well"], row["analyte"]): row for row in sheet}
        self.of_well = {row["well"]: row for row in reversed(sheet)}
        self.beads = beads
        self.analytes = list(dict.fromkeys(row["analyte"] for row in beads))
        standard = sorted({row["well"] for row in sheet if row["role"] in ("standard", "blank")})
        self.place = {well: place for place, well in enumerate(standard)}
        self.levels, self.level_of = self._levels(standard)

    def read(self, rows: dict[str, list[Row]], model: Model | None, shared: bool) -> None:
        """Fit the curves, and add the rows of each table to `rows`."""
        plate = self.plate
        standards, unfit, hooked = self._standards()
        fitted = fit_standards(standards, self.level_of.tolist(), model=model, shared=shared) if standards else None
        levels = {
            analyte: levels_of(one, self.level_of, fitted.curves[analyte], fitted.levels, fitted.spread)
            for analyte, one in standards.items()
            if fitted is not None
        }
        exchanged = exchanged_wells(levels)
        odd = self._doubts(standards, exchanged)
        curves: dict[str, CurveOf] = {}
        for analyte in self.analytes:
            if fitted is None or analyte in unfit:
                rows["curves"].append(unusable(plate, analyte, unfit[analyte]))
                continue
            one, own = standards[analyte], levels[analyte]
            curve = fitted.curves[analyte]
            limits = limits_of(one, curve, own, fitted.spread)
            hook = analyte in hooked
            doubts = (
                *odd,
                *_told_saturated(self._saturated(analyte)),
                *doubts_of(own, self.levels, limits, fitted.residual_sd[analyte], hook, exchanged),
                *(passed_by(own, self.levels, limits) if fitted.errors is None else ()),
            )
            curves[analyte] = CurveOf(curve, fitted.covariances[analyte], own, limits, hook, doubts)
            rows["curves"].append(
                {"plate": plate, "analyte": analyte} | curve_row(curves[analyte], one, fitted, analyte)
            )
            rows["recovery"] += [
                {"plate": plate, "analyte": analyte} | row for row in recovery_rows(curves[analyte], self.levels)
            ]
        if fitted is not None:
            told = {"plate": plate, "kit": self.kit.name if self.kit else None}
            seen = [set(self.level_of[one.wells].tolist()) for one in standards.values()]
            telling = [sum(place in levels for levels in seen) for place in range(len(self.levels))]
            rows["dilution"] += [told | row for row in dilution_rows(fitted, self.levels, telling)]
        contents = [self._content(row) for row in self.beads if row["role"] in ("sample", "control")]
        wells, samples = concentrations_of(contents, curves, fitted.spread if fitted else None, unfit)
        rows["wells"] += wells
        rows["samples"] += samples

    def _doubts(self, standards: Mapping[str, Standard], exchanged: Sequence[int]) -> tuple[str, ...]:
        """Return what is odd with the standards of the whole plate, each in a clause."""
        first = {self.level_of[place]: well for well, place in reversed(self.place.items())}
        held = {
            name: {analyte: self._nominal(first[place], analyte) for analyte in self.analytes}
            for place, name in enumerate(self.levels)
        }
        return (
            *left_out(held, self.kit),
            *multiplied(held, self.kit),
            *other_series(held, self.kit),
            *brighter_blanks(standards, self.level_of, self.levels),
            *([EXCHANGED.format(", ".join(self.levels[place] for place in exchanged))] if exchanged else []),
        )

    def _nominal(self, well: str, analyte: str) -> float | None:
        """Return what a standard well should hold of an analyte: by the sheet, else by the kit."""
        row = self.sheet.get((well, analyte)) or self.sheet.get((well, None))
        if row is not None and row["nominal_pg_per_ml"] is not None:
            return float(row["nominal_pg_per_ml"])
        level = self.of_well[well]["level"]
        return None if self.kit is None or level is None else self.kit.nominal(analyte, level)

    def _levels(self, standard: list[str]) -> tuple[list[str], NDArray[np.intp]]:
        """Return the names of the levels from the top down, and the place of each standard well's; -1 for a blank."""
        held: dict[str, tuple[float | None, ...]] = {}
        name_of: dict[str, str] = {}
        for well in standard:
            told = tuple(self._nominal(well, analyte) for analyte in self.analytes)
            filled = [value for value in told if value]
            if self.of_well[well]["role"] == "blank":
                if filled:
                    raise AnalysisError(
                        f"plate {self.plate}, well {well}: a blank holds nothing",
                        column="nominal_pg_per_ml",
                        found=f"{filled[0]:g} pg/mL by the sheet or by its level",
                        expected="0, or an empty cell",
                        mend="give the well the role standard, or no concentration",
                    )
                continue
            if 0 in told:
                raise AnalysisError(
                    f"plate {self.plate}, well {well}: a standard of 0 pg/mL is a blank",
                    column="nominal_pg_per_ml",
                    expected="above 0, or the role blank",
                )
            if not filled:
                continue
            name_of[well] = name = self.of_well[well]["level"] or f"{filled[0]:g} pg/mL"
            if held.setdefault(name, told) != told:
                raise AnalysisError(
                    f"plate {self.plate}, well {well}: wells of level {name} hold different concentrations",
                    column="nominal_pg_per_ml",
                )
        strength = {name: float(np.mean(np.log([value for value in told if value]))) for name, told in held.items()}
        names = sorted(strength, key=lambda name: -strength[name])
        place = [names.index(name_of[well]) if well in name_of else -1 for well in standard]
        return names, np.array(place, dtype=np.intp)

    def _standards(self) -> tuple[dict[str, Standard], dict[str, str], set[str]]:
        """Return the standards of each analyte that has enough of them, why others have none, and those that hook."""
        usable: dict[str, Standard] = {}
        unfit: dict[str, str] = {}
        hooked: set[str] = set()
        for analyte in self.analytes:
            bright = self._saturated(analyte)
            told = [
                (row, self._nominal(row["well"], analyte))
                for row in self.beads
                if row["analyte"] == analyte
                and row["role"] in ("standard", "blank")
                and row["verdict"] != "fail"
                and row["signal_se_log"] is not None
                and self._level(row["well"]) not in bright
            ]
            kept = [
                (row, -np.inf if row["role"] == "blank" else float(np.log(nominal or np.nan)))
                for row, nominal in told
                if row["role"] == "blank" or nominal
            ]
            one = Standard(
                np.array([conc for _, conc in kept]),
                np.array([np.log(row["signal"]) for row, _ in kept]),
                np.array([row["signal_se_log"] for row, _ in kept]),
                np.array([self.place[row["well"]] for row, _ in kept], dtype=np.intp),
            )
            one, lost = _without_hook(one, self.level_of)
            if lost:
                hooked.add(analyte)
            levels = len(set(self.level_of[one.wells].tolist()) - {-1})
            if levels < FEWEST_LEVELS:
                unfit[analyte] = _too_few(levels, lost, bright)
            else:
                usable[analyte] = one
        return usable, unfit, hooked

    def _level(self, well: str) -> str | None:
        """Return the level of a standard or blank well; None of a blank."""
        place = int(self.level_of[self.place[well]])
        return None if place < 0 else self.levels[place]

    def _saturated(self, analyte: str) -> list[str]:
        """Return the levels, from the top down, of which a well's median stands at the reporter's highest value.

        They go as a whole: a well beside a saturated one is the dimmer of the two by chance.
        """
        own = [row for row in self.beads if row["analyte"] == analyte and row["verdict"] != "fail"]
        found = {self._level(row["well"]) for row in own if saturated(row) and row["well"] in self.place}
        return [name for name in self.levels if name in found]

    def _content(self, row: Row) -> Content:
        own = self.sheet.get((row["well"], row["analyte"])) or self.of_well[row["well"]]
        dilution = own["dilution"] if own["dilution"] is not None or row["role"] == "sample" else 1.0
        return Content(row, dilution, own["acid_activated"], own["replicate"])


def _told_saturated(bright: Sequence[str]) -> list[str]:
    """Return what is told of levels that are saturated, if any are."""
    return [f"{', '.join(bright)} left out: wells stand at the reporter's highest value"] if bright else []


def _too_few(levels: int, lost: int, bright: Sequence[str]) -> str:
    """Return why so many levels give no curve, `lost` of them left out for a hook and `bright` as saturated."""
    told = f"{plural(levels, 'standard level')} with enough beads and a concentration"
    told += f"; {FEWEST_LEVELS} are needed"
    more = f"; {lost} above the brightest shine less and are left out: a hook effect, or wells exchanged"
    return "; ".join([told + more * bool(lost), *_told_saturated(bright)])


def _without_hook(one: Standard, level_of: NDArray[np.intp]) -> tuple[Standard, int]:
    """Return the standards without those levels above the brightest that shine clearly less, and how many they are."""
    own = level_of[one.wells]
    means = {place: float(one.log_signal[own == place].mean()) for place in sorted(set(own[own >= 0].tolist()))}
    if not means:
        return one, 0
    brightest = max(means, key=lambda place: means[place])
    lost = []
    for place in (place for place in means if place < brightest):
        error = np.sqrt(np.mean(one.se[own == place] ** 2) + np.mean(one.se[own == brightest] ** 2))
        if means[brightest] - means[place] > max(HOOK_SD * float(error), HOOK_LEAST):
            lost.append(place)
    keep = ~np.isin(own, lost)
    return Standard(one.log_conc[keep], one.log_signal[keep], one.se[keep], one.wells[keep]), len(lost)
