"""The texts of the study folder, and the table of a subject's clones as they truly are."""

from __future__ import annotations

import polars as pl

from tilseq.simulate.calendar import IL2_LAST_DAY
from tilseq.simulate.clinic.labs import cv_of
from tilseq.simulate.cytometry.panels import MARKED, PANELS, VBETA
from tilseq.simulate.design import PRODUCT_VISIT, SCANS, TUMOR_VISIT, Design, visit_day, window
from tilseq.simulate.subjects import Subject


def true_clones(subject: Subject) -> pl.DataFrame:
    """Return the clones of a subject: receptors, attributes, where they are from, and where they are.

    `origin` is that of the endpoint tables; `in_tumor` stands beside it. `product_frequency` is the share of all cells
    infused, `product_LOT` that of one lot's T cells, `tumor_frequency` the share of the tumour's T cells and
    `memory_frequency` that of the memory T cells of blood, about which each clone goes up and down in slow waves.
    """
    course = subject.course
    lots = {f"product_{lot}": shares.sum(axis=1) for lot, shares in course.lots.items()} if len(course.lots) > 1 else {}
    return subject.clones.rename({"origin": "home"}).with_columns(
        origin=pl.Series(subject.origin),
        in_tumor=pl.Series(course.tumor.sum(axis=1) > 0),
        product_frequency=course.infused.sum(axis=1),
        **lots,
        tumor_frequency=course.tumor.sum(axis=1),
        memory_frequency=course.memory.sum(axis=1),
    )


def settings(design: Design) -> str:
    """Return study.yaml."""
    lines = [
        "# Synthetic: written by tilseq simulate.",
        "study: simulated",
        f"title: Synthetic trial, seed {design.seed}",
    ]
    lines += ["schema_version: 1", "visits:"]
    days = dict((TUMOR_VISIT, PRODUCT_VISIT)) | {name: visit_day(name) for name in design.visits}
    slack = {name: window(name) for name in design.visits if visit_day(name) > 0}
    if "clinic" in design.assays:
        days |= {name: day for name, (day, _) in SCANS.items()}
        slack |= {name: days_either_side for name, (_, days_either_side) in SCANS.items()}
    for name, day in sorted(days.items(), key=lambda item: item[1]):
        about = f", window: {slack[name]}" if name in slack else ""
        lines.append(f"  {name}: {{day: {day}{about}}}")
    panels = [panel for panel in PANELS.values() if ("ics" if panel.name == "ics" else "flow") in design.assays]
    if panels:
        lines.append("panels:")
        for panel in panels:
            lines += [f"  {panel.name}:", "    markers:"]
            stains = ((name, dye.channel) for dye in panel.dyes for name in dye.marker.split("+"))
            lines += [f"      {marker}: [{channel}]" for marker, channel in stains]
            if panel.vbeta is not None:
                lines += ["    populations:", f"      {MARKED}: {{parent: CD3+, markers: [CD4-, CD8+, {VBETA}+]}}"]
    if "clinic" in design.assays:
        lines += ["analysis:", "  clinical:", "    ctcae: 5", f"    il2_end_day: {IL2_LAST_DAY}"]
        if "flow" in design.assays:
            lines += ["  flow:", f"    blood_count_cv: {cv_of('lymphocytes'):.2f}"]
    return "\n".join(lines) + "\n"


def design(chosen: Design) -> str:
    """Return design.yaml, from which `tilseq simulate DIR --design FILE` writes the same folder again."""
    import yaml

    head = "# What this synthetic trial was asked to hold; tilseq simulate DIR --design design.yaml writes it again.\n"
    return head + yaml.safe_dump(chosen.model_dump(mode="json", exclude_none=True), sort_keys=False)


def readme(design: Design) -> str:
    """Return README.md: that it is synthetic, how it was written, and what each file of the truth holds."""
    subjects = f"{design.subjects} subject{'s' if design.subjects > 1 else ''}, seed {design.seed}"
    return f"""This study is synthetic: no cell, sequence, scan or record in it comes from a person.

It holds {subjects}. `design.yaml` says what it was asked to hold, and

    tilseq simulate DIR --design design.yaml

writes the same bytes again. `study.yaml`, the tables, `plates/`, `clinical/` and `raw/` are what a trial would hand
over. `truth/` holds what is really so; nothing that analyses the study may read it.

{_TRUTH}"""


_TRUTH = """| file | what it holds |
|---|---|
| `truth/clones/SUBJECT.csv.gz` | each clone: receptor, lineage, tumour-reactive, public, twin, home (where \
it was made), origin (as an endpoint tells it), shares of all cells infused, of each of several lots, of the T cells \
of the tumour, and of the memory T cells of blood before treatment |
| `truth/tcr/SAMPLE.csv.gz` | each clone's true share of the specimen's T cells, its cells put in, what was counted; \
the last row, without a clone, is the naive cells |
| `truth/bcr/SAMPLE.csv.gz` | each chain's family, cells put in, what was counted |
| `truth/libraries.csv` | TCR libraries: whose content it is, cells put in, molecules counted, number of cells that \
it is worth, molecules that came from another library |
| `truth/infused_mass.csv` | true share of T cells in blood: of infused clones (`mass`), of those that the products' \
bulk files show (`mass_of_seen`), of those that blood did not hold before (`mass_new`), of cells that descend from the \
infusion (`infused_share`) |
| `truth/flow/SAMPLE.csv.gz` | what each event is, in the order of the file; in stimulated and unstimulated tubes \
also whether a single living cell makes interferon-gamma (`ifn_gamma`) |
| `truth/vbeta.csv` | of each antibody of the V-beta kit: CD8+ cells that bear it as shares of CD3+ cells, as the \
laboratory counted them in the product and in blood before lymphodepletion, and whether it chose it to follow infused \
cells by |
| `truth/marked.csv` | of each tube stained with these antibodies: true share of T cells that is CD8+ and bears one \
(`marked_share`), and share that descends from the infusion (`infused_share`) |
| `truth/intracellular.csv` | of each kind of cell of these tubes: true share that makes interferon-gamma in the \
specimen (`share`) and in this tube (`share_in_tube`), single living cells, those of them that make it (`positive`) |
| `truth/populations.csv` | true share of each kind of cell in the specimen, and cells per µL of blood |
| `truth/cytokine/PLATE_WELL.csv.gz` | which bead each event is |
| `truth/wells.csv`, `levels.csv`, `curves.csv` | true concentrations, dilutions and standard curves of each plate |
| `truth/cells/SAMPLE.csv.gz` | each droplet: clone (and second clone of a doublet), state, lineage, whether infused, \
level of each programme |
| `truth/programmes.csv` | mean level of each programme in the T cells of each bulk library |
| `truth/lesions.csv`, `responses.csv` | true diameters at each scan; responses by the rule, and as recorded |
| `truth/fates.csv` | true days of progression and death, and the cause |
| `truth/labs.csv`, `tumor_markers.csv` | true values on the days that were drawn |
| `truth/recoveries.csv`, `transfusions.csv` | when neutrophils and platelets truly fell and came back; what was given |
| `truth/adverse_events.csv` | every event with its true grade and end, reported or not |
"""
