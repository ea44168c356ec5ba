"""Two subjects of a small trial, as the writers of the study folder get them."""

import polars as pl
import pytest

from tilseq.simulate.clinic.followup import Fate
from tilseq.simulate.design import Design
from tilseq.simulate.folder.context import Context
from tilseq.simulate.plan import samples_of
from tilseq.simulate.subjects import draw_subject

DESIGN = Design(
    subjects=2,
    visits=["baseline", "D7", "D28"],
    memory_clones=400,
    depth=400,
    cells=600,
    single_cells=150,
    beads=25,
)


@pytest.fixture(scope="session")
def make_context():
    """Return a function that gives the context of a subject, seen to the end, in a design changed as told."""

    def make(folder, number=1, *, last_day=400, **changes):
        design = DESIGN.model_copy(update=changes)
        subject = draw_subject(number, design)
        vars(subject)["fate"] = Fate(None, None, False, last_day, 400, None)
        return Context(folder, design, subject)

    return make


@pytest.fixture(scope="session")
def samples_by_name():
    """Return a function that gives the samples of a context by name, those of one assay or all."""

    def by_name(context, assay=None):
        every = samples_of(context.design, context.subject)
        return {sample.name: sample for sample in every if assay in (None, sample.assay)}

    return by_name


@pytest.fixture(scope="session")
def read_truth():
    """Return a function that reads a table of a folder."""

    def read(folder, name, **options):
        return pl.read_csv(folder / name, infer_schema_length=None, **options)

    return read
