"""Whether a design can be carried out: what each part of it needs of the others."""

from __future__ import annotations

from tilseq.errors import RunError, did_you_mean
from tilseq.simulate.design import Design, targets
from tilseq.simulate.plan import samples_of
from tilseq.simulate.sequencing.sampling import FLAVORS
from tilseq.simulate.subjects import draw_subject, name_of, number_of

NEEDED_ASSAY = {
    "failed_library": "tcr",
    "swapped_pair": "tcr",
    "index_hopping": "tcr",
    "depth_by_visit": "tcr",
    "batch_shift": "flow",
}
MOST_CELLS = 1e8  # of a library; a count of each is held in memory
SPARE_TEMPLATES = 1.2  # templates in the tube for each that is to be counted, at least


def check(design: Design) -> None:
    """Refuse a design that cannot be carried out.

    Raises
    ------
    RunError
        A confounder needs an assay, a subject or a sample that the trial does not have, or can change nothing; or the
        cells put into a library do not hold the templates that are to be counted.
    """
    _check_depth(design)
    for name, confounder in design.confounders:
        assay = NEEDED_ASSAY.get(name)
        if confounder is not None and assay is not None and assay not in design.assays:
            raise RunError(f"the confounder {name} needs the assay {assay}", mend="add it to the design's assays")
    if design.confounders.public_clone is not None and design.subjects < 2:
        raise RunError("the confounder public_clone needs other subjects", found=design.subjects, expected="at least 2")
    hopping = design.confounders.index_hopping
    if hopping is not None and hopping.source.split("_")[1:2] != hopping.into.split("_")[1:2]:
        found = f"{hopping.source} into {hopping.into}"
        raise RunError("indices hop between libraries of one run: of one visit", found=found)
    failed = design.confounders.failed_library
    if failed is not None and failed.depth >= design.depth:
        expected = f"fewer than the {design.depth} of the other libraries"
        raise RunError("a failed library counts few templates", found=failed.depth, expected=expected)
    _check_targets(design)
    _check_shift(design)
    subjects = _subjects(design)
    for name in design.ics.subjects or ():
        if name not in subjects:
            mend = did_you_mean(name, subjects) or "name another subject in the design"
            raise RunError("the trial has no such subject whose cells are stimulated", found=name, mend=mend)


def _check_depth(design: Design) -> None:
    flavor = FLAVORS[design.flavor]
    least = SPARE_TEMPLATES / flavor.templates_per_cell
    if flavor.count_of != "reads" and design.cells_per_template < least:
        raise RunError(
            f"the cells put into a {design.flavor} library do not hold the templates to be counted",
            found=f"cells_per_template {design.cells_per_template:g}",
            expected=f"at least {least:g}",
        )
    if design.depth * design.cells_per_template >= MOST_CELLS:
        raise RunError(
            "too many cells for a library",
            found=f"depth {design.depth} × cells_per_template {design.cells_per_template:g}",
            expected=f"below {MOST_CELLS:g}",
        )


def _check_shift(design: Design) -> None:
    shift = design.confounders.batch_shift
    if shift is None:
        return
    subject = draw_subject(number_of(shift.subject), design)
    visits = dict.fromkeys(sample.visit for sample in samples_of(design, subject) if sample.measured == "flow")
    if shift.visit not in visits:
        seen = f"last seen on day {subject.fate.last_alive_day}, has tubes of {', '.join(visits)}"
        raise RunError(
            f"the confounder batch_shift would change no tube of {shift.subject}",
            found=shift.visit,
            mend=f"{shift.subject}, {seen}; name another visit in the design",
        )


def _subjects(design: Design) -> list[str]:
    return [name_of(number) for number in range(1, design.subjects + 1)]


def _check_targets(design: Design) -> None:
    subjects = _subjects(design)
    for confounder, kind, target in targets(design.confounders):
        known = {"subject": subjects, "visit": design.visits}.get(kind, [])
        whose = target.split("_")[0] if kind == "sample" else ""
        about = ""
        if whose in subjects:
            subject = draw_subject(number_of(whose), design)
            known = [sample.name for sample in samples_of(design, subject) if sample.assay == "tcr"]
            about = f"{whose}, last seen on day {subject.fate.last_alive_day}, has {', '.join(known)}; "
        if target in known:
            continue
        near = did_you_mean(target, known)
        if kind == "sample" and not about:
            about = f"the trial has {design.subjects} subject{'s' if design.subjects > 1 else ''}; "
        mend = f"{near + '; ' if near else ''}{about}name another {kind} in the design"
        raise RunError(f"the trial has no such {kind} for the confounder {confounder}", found=target, mend=mend)
