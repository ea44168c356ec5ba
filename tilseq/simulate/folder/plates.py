"""Bead-array plates of a subject: one of each kit, with all its plasma samples."""

from __future__ import annotations

import numpy as np
import polars as pl

from tilseq.simulate import files
from tilseq.simulate.beads.plasma import plasma_levels
from tilseq.simulate.beads.plate import Plate, draw_plate, write_plate
from tilseq.simulate.beads.wells import KITS
from tilseq.simulate.clinic.lesions import FIRST_DAY
from tilseq.simulate.folder.context import Context, Rows
from tilseq.simulate.plan import Sample

KIT_OF = {"cytokine": "multiplex", "tgfb1": "tgfb1_singleplex"}  # ending of a sample's name → kit


def write_plates(context: Context, samples: list[Sample]) -> Rows:
    """Write the plates of a subject; return rows of `samples` and of what is true of wells, levels and curves.

    A plate is one unit: what stands on it decides where. Samples are pipetted in the order of the design's visits.

    Parameters
    ----------
    context
        Of the subject.
    samples
        All its samples of plasma, by kit and visit.
    """
    rows: Rows = {"samples": [], "wells": [], "levels": [], "curves": []}
    place = {visit: number for number, visit in enumerate(context.design.visits)}
    for ending, kit_name in KIT_OF.items():
        chosen = [sample for sample in samples if sample.name.endswith(f"_{ending}")]
        if not chosen:
            continue
        chosen.sort(key=lambda sample: place[sample.visit])
        days = sorted({sample.day for sample in chosen})
        infused = [_secreting_per_ul(context, day) for day in days]
        burden = [float(context.subject.disease.burden_mm[day - FIRST_DAY]) for day in days]
        levels = plasma_levels(
            context.stream("plasma"),
            days,
            infused,
            burden,
            il2_doses=context.subject.tolerance.il2_doses,
            noise=lambda day: context.stream("plasma", str(day)),
        )
        kit, name = KITS[kit_name], f"{context.subject.name}_{ending}"
        true = {sample.name: levels[sample.day] for sample in chosen}
        plate = draw_plate(context.stream(name, "plate"), name, kit, true, beads_per_analyte=context.design.beads)
        write_plate(context.folder, plate)
        for truth, table in (("wells", plate.true_wells), ("levels", plate.true_levels), ("curves", plate.true_curves)):
            rows[truth] += [{"plate": name} | row for row in table.to_dicts()]
        _write_labels(context, plate)
        rows["samples"] += [sample.row(plate=name) for sample in chosen]
    return rows


def _secreting_per_ul(context: Context, day: int) -> float:
    """Return the infused cells per µL of blood, less those that are exhausted for good."""
    return float(context.subject.blood(day).infused[:, :-1].sum())


def _write_labels(context: Context, plate: Plate) -> None:
    """Write which bead each event of each well is."""
    labels = np.array(plate.labels)
    for well, drawn in plate.wells.items():
        table = pl.DataFrame({"label": labels[drawn.labels]})
        files.write_gzip_table(table, context.folder / "truth" / "cytokine" / f"{plate.name}_{well}.csv.gz")
