"""Concentrations of samples by well and by sample, with status and limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tilseq.cytokines.curve_rows import MOST_CV_OF_WELLS, CurveOf
from tilseq.cytokines.fold import reach, shown
from tilseq.cytokines.inversion import Errors, Inversion
from tilseq.cytokines.standards import Spread
from tilseq.cytokines.verdicts import saturated

if TYPE_CHECKING:
    import polars as pl

    from tilseq.tables import Row

MOST_CV_PCT = 100 * MOST_CV_OF_WELLS
LEVEL = 0.975  # of the quantile of a two-sided 95 % interval
STANDARD_FREEDOM = 6.0  # degrees of freedom of what standards tell of the spread between wells


@dataclass(frozen=True)
class Content:
    """One analyte in one well of a sample or control.

    Attributes
    ----------
    row
        Its row of `bead_wells`.
    dilution, acid_activated, replicate
        What the sheet says.
    """

    row: Row
    dilution: float | None
    acid_activated: bool | None
    replicate: str | None

    @property
    def key(self) -> tuple[Any, ...]:
        """What wells of one sample have in common."""
        name = self.row["sample"] or self.row["level"] or self.row["well"]
        return (self.row["role"], name, self.dilution, self.acid_activated, self.row["analyte"])


def concentrations_of(
    contents: Sequence[Content],
    curves: Mapping[str, CurveOf],
    spread: Spread | None,
    unfit: Mapping[str, str],
) -> tuple[list[Row], list[Row]]:
    """Return rows of `concentrations`, one a well, and of `sample_concentrations`, one a sample.

    Parameters
    ----------
    contents
        Wells of samples and controls of one plate, one an analyte.
    curves
        By analyte, those that could be fitted.
    spread
        Of the plate; None without a curve.
    unfit
        By analyte without a curve, why.
    """
    groups: dict[tuple[Any, ...], list[Content]] = {}
    for one in contents:
        groups.setdefault(one.key, []).append(one)
    readers: dict[str, Inversion] = {}
    if spread is not None:
        variance, freedom = _between_wells(groups, curves, spread)
        critical = _student(freedom)
        for analyte, of in curves.items():
            ends = [level.log_true for level in of.levels]
            errors = Errors(of.covariance, variance, spread.reading**2, critical)
            readers[analyte] = Inversion(of.curve, errors, min(ends), max(ends))
    wells = [
        {name: one.row[name] for name in ("plate", "well", "role", "sample", "analyte", "beads")}
        | {"replicate": one.replicate, "dilution": one.dilution, "acid_activated": one.acid_activated}
        | _result([one], curves, readers, unfit)
        for one in contents
    ]
    samples = []
    for (role, name, dilution, activated, analyte), members in groups.items():
        used = [one for one in members if _usable(one)]
        told = {"plate": members[0].row["plate"], "role": role, "sample": name, "dilution": dilution}
        told |= {"acid_activated": activated, "analyte": analyte, "wells": len(used), "wells_given": len(members)}
        told |= {"cv_pct": _cv(used, curves.get(analyte))}
        told |= _result(used or members[:1], curves, readers, unfit)
        if used and len(used) < len(members):
            left = _by_well([one for one in members if one not in used])
            told["reason"] = "; ".join(
                [*([told["reason"]] if told["reason"] else []), *(f"without {one}" for one in left)]
            )
        samples.append(told)
    tell_unlike(samples)
    tell_hooks(samples)
    return wells, samples


def tell_unlike(samples: Sequence[Row]) -> None:
    """Write into `reason` that the wells of a sample that has a number differ several-fold, as where one is another's.

    Parameters
    ----------
    samples
        Rows of `sample_concentrations`.
    """
    for row in samples:
        if row["status"] == "quantified" and (row["cv_pct"] or 0.0) > MOST_CV_PCT:
            told = f"wells differ (CV {row['cv_pct']:.0f} %): is one of another content?"
            row["reason"] = f"{told}; {row['reason']}" if row["reason"] else told


def unlike(samples: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of `sample_concentrations` of which `tell_unlike` tells."""
    return samples.filter((samples["status"] == "quantified") & (samples["cv_pct"] > MOST_CV_PCT))


def tell_hooks(samples: Sequence[Row]) -> None:
    """Write into `reason` that a sample gives clearly more, beyond both intervals, where it is diluted further.

    Its signal then has fallen by a hook effect, or its matrix holds it down; of one dilution neither can be seen. Out
    of range the limit stands for the number.

    Parameters
    ----------
    samples
        Rows of `sample_concentrations` of one plate.
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in samples:
        key = tuple(row[name] for name in ("role", "sample", "acid_activated", "analyte"))
        groups.setdefault(key, []).append(row)
    for rows in groups.values():
        for row in rows:
            upper = reach(row)[1]
            more = [
                (least, other)
                for other in rows
                if upper is not None
                and (least := reach(other)[0]) is not None
                and least > upper
                and other["dilution"] > row["dilution"]
            ]
            if more:
                other = max(more, key=lambda one: one[0])[1]
                told = f"diluted {other['dilution']:g}-fold it gives {_more(other, row)}: a hook effect, or the matrix"
                row["reason"] = f"{told}; {row['reason']}" if row["reason"] else told


def _more(other: Row, row: Row) -> str:
    """Return what a further dilution gives, over that of a nearer one where both are numbers."""
    if row["status"] == other["status"] == "quantified":
        return f"{other['conc_pg_per_ml'] / row['conc_pg_per_ml']:.1f} times as much"
    return shown(other)


def _usable(one: Content) -> bool:
    signal = one.row["signal"]
    told = one.row["signal_se_log"] is not None or saturated(one.row)
    return one.row["verdict"] != "fail" and signal is not None and signal > 0 and told


def _result(
    members: list[Content],
    curves: Mapping[str, CurveOf],
    readers: Mapping[str, Inversion],
    unfit: Mapping[str, str],
) -> Row:
    """Return what the wells of one sample tell together: signal, concentration, interval, status, limit, reason."""
    analyte, dilution = members[0].row["analyte"], members[0].dilution
    signal = _mean_signal(members)
    fault = _fault(members, curves.get(analyte), unfit)
    if fault is not None or dilution is None:
        return {"signal": signal, "status": "not_evaluable", "reason": fault}
    of, reader = curves[analyte], readers[analyte]
    logs = np.log([one.row["signal"] for one in members])
    # Beads that all stand at the detector's end have no error; their signal is a lower bound anyway.
    at, lower, upper = reader.interval(logs, np.array([one.row["signal_se_log"] or 0.0 for one in members]))
    limits, lloq, uloq = of.limits, of.limits.lloq, of.limits.uloq
    told: Row = {"signal": signal, "reason": "; ".join(_doubts(members, of)) or None}
    # What a result out of range lies below or above is that of the range or of its own interval, whichever says less.
    above = {"status": "above_range", "limit_pg_per_ml": _plain(min(uloq, max(lower, lloq)), dilution)}
    if any(saturated(one.row) for one in members):
        return told | above
    if float(logs.mean()) <= limits.log_signal_lod:
        return told | {"status": "not_detected", "limit_pg_per_ml": _plain(max(limits.llod, upper), dilution)}
    if at < lloq:
        return told | {"status": "detected_below_loq", "limit_pg_per_ml": _plain(max(lloq, upper), dilution)}
    if at > uloq or upper == np.inf:  # without an upper end the signal may as well be that of saturation
        return told | above
    return told | {
        "conc_pg_per_ml": dilution * float(np.exp(at)),
        "lower": dilution * float(np.exp(lower)),
        "upper": dilution * float(np.exp(upper)),
        "status": "quantified",
    }


def _plain(log_conc: float, dilution: float) -> float | None:
    """Return pg/mL of the undiluted sample, None for infinity."""
    return dilution * float(np.exp(log_conc)) if log_conc < np.inf else None


def _doubts(members: list[Content], of: CurveOf) -> list[str]:
    """Return what is odd with the curve and with the beads of each well."""
    curve = [f"curve: {told}" for told in of.doubts]
    if of.hook:
        curve.append("a far higher concentration could give this signal")
    return curve + _by_well(members)


def _by_well(members: list[Content]) -> list[str]:
    """Return what is odd with the beads of wells, each reason once."""
    wells: dict[str, list[str]] = {}
    for one in members:
        if one.row["reason"]:
            wells.setdefault(one.row["reason"], []).append(one.row["well"])
    return [f"{', '.join(names)}: {reason}" for reason, names in wells.items()]


def _mean_signal(members: list[Content]) -> float | None:
    signals = [one.row["signal"] for one in members]
    if any(signal is None or signal <= 0 for signal in signals):
        return signals[0] if len(signals) == 1 else None
    return float(np.exp(np.mean(np.log(signals))))


def _fault(members: list[Content], of: CurveOf | None, unfit: Mapping[str, str]) -> str | None:
    """Return why there is no concentration, if so."""
    one = members[0]
    if not _usable(one):
        return one.row["reason"] or "the median reporter has no logarithm, or no known error"
    if of is None:
        return f"no standard curve: {unfit[one.row['analyte']]}"
    if of.limits.lloq == np.inf:
        return "the standard curve has no usable range"
    return "the sheet does not tell the dilution" if one.dilution is None else None


def _cv(used: list[Content], of: CurveOf | None) -> float | None:
    """Return the coefficient of variation of concentrations between wells, in percent; None where one has none."""
    if of is None or len(used) < 2 or any(saturated(one.row) for one in used):
        return None
    told = of.curve.inverse(np.log([one.row["signal"] for one in used]))
    if not np.isfinite(told).all():
        return None
    back = np.exp(told)
    return float(100 * back.std(ddof=1) / back.mean())


def _between_wells(
    groups: Mapping[tuple[Any, ...], list[Content]], curves: Mapping[str, CurveOf], spread: Spread
) -> tuple[float, float]:
    """Return the variance of ln concentration between wells of one content, and its degrees of freedom.

    It is that of the standards and that of the samples' replicates within range, less what beads and reading explain,
    weighted by degrees of freedom. Analytes of one well share its volume, so a sample counts once, not by analyte.
    """
    squares: dict[tuple[Any, ...], list[float]] = {}
    freedom: dict[tuple[Any, ...], int] = {}
    for key, members in groups.items():
        of = curves.get(key[-1])
        used = [one for one in members if _usable(one) and not saturated(one.row)]
        if of is None or len(used) < 2:
            continue
        at = of.curve.inverse(np.log([one.row["signal"] for one in used]))
        if not ((at >= of.limits.lloq) & (at <= of.limits.uloq)).all():
            continue
        steep = of.curve.steepness(at)
        read = np.mean((np.array([one.row["signal_se_log"] for one in used]) ** 2 + spread.reading**2) / steep**2)
        squares.setdefault(key[:-1], []).append(float(at.var(ddof=1) - read))
        freedom[key[:-1]] = len(used) - 1
    standards = spread.well**2 + spread.own**2
    total = STANDARD_FREEDOM + sum(freedom.values())
    both = STANDARD_FREEDOM * standards
    both += sum(freedom[key] * float(np.mean(values)) for key, values in squares.items())
    return max(both / total, 1e-4), total


def _student(freedom: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(freedom, LEVEL))
