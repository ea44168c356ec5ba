"""The values of a tube that gates look at.

FlowKit's own gating takes one matrix for all dimensions of a gate, looks channels up by marker as well, and leaves a
ratio uncompensated; here each dimension is bound by its channel's name and compensated as it says, once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tilseq.errors import AnalysisError, did_you_mean
from tilseq.gates import COMPENSATED_PREFIXES, Channel, Compensation, Ratio, Spectra, in_percent, spectra_fault
from tilseq.io.gate_scales import apply_scale
from tilseq.io.gate_tree import Tree

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]
MOST_LISTED = 60


class Spill(Protocol):
    """A spillover matrix as the tube's file gives it: channels, and n × n, row i being the dye of channel i."""

    @property
    def channels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def matrix(self) -> NDArray[np.float64]: ...  # noqa: D102


class Tube(Protocol):
    """Events × channels on the linear scale as measured, $PnN of the channels, spillover and keywords."""

    @property
    def events(self) -> NDArray[np.float32]: ...  # noqa: D102
    @property
    def channels(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def spill(self) -> Spill | None: ...  # noqa: D102
    @property
    def keywords(self) -> Mapping[str, str]: ...  # noqa: D102


@dataclass
class Columns:
    """Columns of one tube as gates ask for them; each is worked out once."""

    tree: Tree
    tube: Tube
    raw: dict[str, Column] = field(default_factory=dict)
    compensated: dict[Spectra | Literal["FCS"], tuple[Spectra, Column]] = field(default_factory=dict)
    scaled: dict[Channel | Ratio, Column] = field(default_factory=dict)

    def of(self, channel: Channel | Ratio, gate: str) -> Column:
        """Return the values that a gate, which errors name, looks at."""
        if channel not in self.scaled:
            if isinstance(channel, Ratio):
                values = self._ratio(channel, gate)
            else:
                values = self._linear(channel.name, channel.compensation, gate)
            self.scaled[channel] = values if channel.scale is None else apply_scale(channel.scale, values)
        return self.scaled[channel]

    def finite(self) -> Mask:
        """Tell which events are finite in all channels that were asked for."""
        every = np.ones(len(self.tube.events), dtype=bool)
        for values in self.raw.values():
            every &= np.isfinite(values)
        return every

    def _ratio(self, ratio: Ratio, gate: str) -> Column:
        x, y = (self._linear(name, ratio.compensation, gate) for name in (ratio.x, ratio.y))
        with np.errstate(all="ignore"):
            return np.asarray(ratio.a * (x - ratio.b) / (y - ratio.c))

    def _linear(self, name: str, reference: Compensation, gate: str) -> Column:
        names = self._names()
        already = name in names and name.casefold().startswith(COMPENSATED_PREFIXES)
        if reference is None or already:
            return self._raw(name, gate)
        done = [own for own in names if _compensated_of(own) == name]
        if name not in names and len(done) == 1:
            return self._raw(done[0], gate)  # the tube is compensated already
        if reference == "FCS" and (self.tube.spill is None or name not in self.tube.spill.channels):
            return self._raw(name, gate)  # as GatingML 2.0 has it
        spectra, values = self._compensated(reference, gate)
        if name in spectra.dyes:
            return values[:, spectra.dyes.index(name)]
        if name not in spectra.detectors:
            return self._raw(name, gate)
        if len(spectra.dyes) < len(spectra.detectors):
            raise self._error(gate, "is on a detector of which the matrix does not say what dye it is", name)
        return values[:, spectra.detectors.index(name)]

    def _compensated(self, reference: Spectra | Literal["FCS"], gate: str) -> tuple[Spectra, Column]:
        if reference not in self.compensated:
            spectra = self._own_spectra(gate) if reference == "FCS" else reference
            matrix = np.array(spectra.matrix)
            events = np.column_stack([self._raw(name, gate) for name in spectra.detectors])
            if len(spectra.dyes) == len(spectra.detectors):
                values = np.linalg.solve(matrix.T, events.T).T
            else:
                values = events @ np.linalg.pinv(matrix)
            self.compensated[reference] = (spectra, values)
        return self.compensated[reference]

    def _own_spectra(self, gate: str) -> Spectra:
        spill = self.tube.spill
        assert spill is not None  # asked before
        spectra = Spectra.of(spill.channels, spill.channels, spill.matrix)
        fault = spectra_fault(spectra)
        if fault:
            raise self._error(gate, "takes out the tube's own spillover, which cannot be done", found=fault)
        if in_percent(spill.matrix):
            found, expected = "100 all along the diagonal", "1 all along the diagonal"
            what = "takes out the tube's own spillover, which is in percent"
            raise self._error(gate, what, found, expected, "write the file again with a matrix of fractions")
        return spectra

    def _raw(self, name: str, gate: str) -> Column:
        if name not in self.raw:
            names = self._names()
            if names.count(name) != 1:
                known = ", ".join(names[:MOST_LISTED])
                expected = f"one of {known}" if name not in names else "a name that one channel bears"
                mend = did_you_mean(name, names)
                raise self._error(
                    gate, "is on a channel that the tube does not have exactly once", name, expected, mend
                )
            values = self.tube.events[:, names.index(name)].astype(np.float64)
            self.raw[name] = values * self._time_step() if name.casefold() == "time" else values
        return self.raw[name]

    def _names(self) -> list[str]:
        if self.tree.underscores:
            return [name.replace("/", "_") for name in self.tube.channels]
        return list(self.tube.channels)

    def _time_step(self) -> float:
        if self.tree.time_step is not None:
            return self.tree.time_step
        try:
            step = float(self.tube.keywords.get("$TIMESTEP", ""))
        except ValueError:
            return 1.0
        return step if 0 < step < math.inf else 1.0

    def _error(
        self, gate: str, what: str, found: str, expected: str | None = None, mend: str | None = None
    ) -> AnalysisError:
        what = f"gate {gate} of sample {self.tree.sample} {what}"
        return AnalysisError(what, file=self.tree.file, found=found, expected=expected, mend=mend)


def _compensated_of(name: str) -> str | None:
    """Return the channel that a name says it is the compensated one of."""
    for prefix in COMPENSATED_PREFIXES:
        if name.casefold().startswith(prefix):
            return name[len(prefix) :].removesuffix(">") if prefix == "<" else name[len(prefix) :]
    return None
