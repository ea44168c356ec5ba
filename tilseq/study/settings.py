"""What study.yaml may hold: every setting with its default and meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from tilseq.errors import TilseqError
from tilseq.io.yaml_model import Part, read_model
from tilseq.io.yaml_text import Lines
from tilseq.receptors import Locus
from tilseq.study.clinical_settings import Clinical

FILE = "study.yaml"
FURTHEST_DAY = 36525  # a century; a day beyond it is a slip of the pen

_TERM = r"\s*[^:/*\s][^:/*]*:[^:/*]+/[^:/*]+"
CONTRAST = rf"^{_TERM}(\*{_TERM})?$"  # FACTOR:LEVEL/REFERENCE, or two of them
Day = Annotated[int, Field(ge=-FURTHEST_DAY, le=FURTHEST_DAY)]
CV = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]
Thresholds = dict[str, Annotated[float, Field(ge=-1e38, le=1e38, allow_inf_nan=False)]]  # what 32-bit numbers hold


class Visit(Part):
    """One planned visit."""

    day: Day = Field(description="Nominal day; day 0 is the first infusion.")
    window: int | None = Field(
        None, ge=0, le=FURTHEST_DAY, description="Days that a sample may lie before or after; further out is noted."
    )


class Population(Part):
    """One population of a panel's tree."""

    parent: str = Field(min_length=1, description="Population that it is a part of, such as CD3+.")
    markers: list[str] = Field(
        min_length=1,
        description="Markers with their sign, all of which hold: CD4+, CD8-, or CD16+|CD56+ where either will do.",
    )


class Panel(Part):
    """One staining panel."""

    markers: dict[str, list[str]] = Field(
        default_factory=dict, description="Marker → names of its channel ($PnN or $PnS), beside the built-in ones."
    )
    thresholds: Thresholds = Field(
        default_factory=dict, description="Marker → threshold on the compensated linear scale, for this panel."
    )
    spill: str | None = Field(
        None,
        min_length=1,
        description="CSV of a spillover matrix, relative to the study, that takes the place of the files' own.",
    )
    populations: dict[str, Population] = Field(
        default_factory=dict,
        description="Name → parent and markers, beside the built-in populations or in their place.",
    )


class GateFile(Part):
    """A person's gates."""

    file: str = Field(
        min_length=1,
        description="GatingML 2.0, or a FlowJo 10 workspace whose name ends in .wsp, relative to the study.",
    )
    names: dict[str, str] = Field(
        default_factory=dict, description="Name of a gate in the file → name of the population here."
    )


class Intracellular(Part):
    """What makes a response of stimulated cells."""

    alpha: float = Field(
        0.05, gt=0, lt=1, allow_inf_nan=False, description="The p adjusted within the subject must lie below it."
    )
    least_cells: int = Field(
        500, ge=1, description="Cells of the population that either tube must hold; with fewer there is no test."
    )
    least_positive: int = Field(10, ge=1, description="Stimulated cells that must bear the cytokine.")
    least_fold: float = Field(
        1.0,
        ge=1,
        allow_inf_nan=False,
        description="Times the background that the stimulated share must be; 2 is the historic rule, 1 asks for none.",
    )
    most_background_pct: float = Field(
        1.0, ge=0, le=100, allow_inf_nan=False, description="Background (%) above which a result is a warning."
    )
    tube_cv: CV = Field(
        0.15,
        description="Variation of the share between tubes of one content beside counting, as a fraction of the share; "
        "0 takes counts as binomial.",
    )


class Flow(Part):
    """Settings of the flow laboratory."""

    thresholds: Thresholds = Field(
        default_factory=dict,
        description="Marker → threshold on the compensated linear scale, for all samples; none: found in each tube.",
    )
    sample_thresholds: dict[str, Thresholds] = Field(
        default_factory=dict, description="Sample → marker → threshold, where one tube needs its own."
    )
    cuts: str | None = Field(
        None,
        description="CSV of the table cohort_cuts to borrow cuts from, frozen, relative to the study; null: the run's.",
    )
    bead_lot_cv: CV = Field(0.03, description="Error of the number of beads that a lot states, as a fraction.")
    pipette_cv: CV = Field(0.03, description="Error of a pipetted volume, as a fraction.")
    volume_cv: CV = Field(0.03, description="Error of the volume that a cytometer measures ($VOL), as a fraction.")
    # 0.124 between counters (Simson and Groner, Cytometry 1995;22:26), 0.103 from hour to hour (Statland, Am J Clin
    # Pathol 1978;69:48): nothing tells that the count is of the draw of the tube.
    blood_count_cv: CV = Field(
        0.16,
        description="Error of a blood count of lymphocytes of the same day, as a fraction; of the same draw 0.12.",
    )
    marked_overdispersion: float = Field(
        0.005,
        ge=1e-9,
        lt=1,
        description="Over-dispersion of the share of marked cells between specimens (beta-binomial); where the mark "
        "tells infused cells themselves, as a multimer may, 0.0001 will do.",
    )
    volume_unit: Literal["uL", "nL"] | None = Field(
        None, description="Unit of $VOL, where the instrument is not a known one; null: as the instrument writes it."
    )
    intracellular: Intracellular = Field(
        default_factory=Intracellular, description="Cytokines within stimulated cells."
    )


class Cytokines(Part):
    """Settings of the cytokine laboratory."""

    kits: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list, description="YAML files of kits of your own, relative to the study, beside the built in."
    )
    model: Literal["4PL", "5PL"] | None = Field(
        None, description="Model of all standard curves; null: the better of both for each."
    )
    shared_dilution: bool = Field(
        True, description="The dilution error of each standard level that all analytes of a plate share is taken out."
    )


class Repertoire(Part):
    """Settings of the repertoire laboratory."""

    reference: Literal["infusion_product", "tumor"] = Field(
        "infusion_product", description="Specimen whose clones are followed."
    )
    locus: Locus | None = Field(None, description="Locus to use where files hold several; null: each by itself.")
    threshold: float = Field(
        1e-3,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="Share of T cells: a clone not seen is absent only where a sample would show one of this share.",
    )
    least_yield: float = Field(
        0.05,
        ge=0,
        allow_inf_nan=False,
        description="UMIs, templates or cells counted for each cell put in, below which a library fails its quality.",
    )
    family_threshold: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Largest share of a junction's bases in which neighbours in a B-cell family differ; null: found.",
    )


class Expression(Part):
    """Settings of the expression laboratory."""

    gene_sets: str | None = Field(None, description="GMT file of gene sets, relative to the study; null: built in.")
    transcripts: str | None = Field(
        None,
        description="Table of transcripts and their genes, relative to the study, for Salmon's and kallisto's files of "
        "bulk RNA; null: none.",
    )
    layer: str | None = Field(
        None, min_length=1, description="Where h5ad files hold raw counts: a layer's name, or raw; null: X."
    )
    least_counts: int = Field(500, ge=0, description="Counts of a cell, below which it is left out of summed cells.")
    least_genes: int = Field(250, ge=0, description="Genes of a cell, below which it is left out of summed cells.")
    most_percent_mitochondrial: float | None = Field(
        15.0,
        ge=0,
        le=100,
        allow_inf_nan=False,
        description="Percent of a cell's counts that are mitochondrial, above which it is left out; null: any.",
    )
    minimum_cells: int = Field(
        10, ge=1, description="Cells of a subject, visit, type and label below which their sum takes no part."
    )
    contrasts: list[Annotated[str, Field(pattern=CONTRAST)]] = Field(
        default_factory=list,
        description="Comparisons within subjects, such as visit:D28/product; none: each visit against the product and "
        "against blood before lymphodepletion.",
    )
    smallest_set: int | None = Field(
        None,
        ge=1,
        description="Genes found of a set, below which it is not tested; null: 15, and 10 of those built in.",
    )
    method: Literal["mean", "ucell"] = Field(
        "mean", description="Scores of gene sets: mean of their genes, or UCell's ranks."
    )
    controls: int = Field(
        0,
        ge=0,
        le=1000,
        description="Control genes a bin of mean expression, where one file holds all samples; 0 subtracts none.",
    )


class Analysis(Part):
    """Settings of all laboratories."""

    flow: Flow = Field(default_factory=Flow, description="Flow cytometry.")
    cytokines: Cytokines = Field(default_factory=Cytokines, description="Bead arrays of cytokines.")
    repertoire: Repertoire = Field(default_factory=Repertoire, description="T- and B-cell receptors.")
    expression: Expression = Field(default_factory=Expression, description="Gene expression.")
    clinical: Clinical = Field(default_factory=Clinical, description="Response and time to event.")
    job_seconds: int = Field(
        600, ge=1, le=7 * 86400, description="Seconds that the job of one sample may take before it counts as failed."
    )
    job_gigabytes: float = Field(
        16.0,
        ge=0.5,
        le=4096,
        description="Memory (GB) that the job of one sample may take before it counts as failed; Slurm books as much.",
    )


class Settings(Part):
    """study.yaml."""

    study: str = Field(min_length=1, description="Short name of the study.")
    title: str | None = Field(None, description="Title for the report.")
    schema_version: Literal[1] = Field(1, description="Version of this layout.")
    visits: dict[str, Visit] = Field(default_factory=dict, description="Name → day and window of each visit.")
    panels: dict[str, Panel] = Field(default_factory=dict, description="Name → markers of each staining panel.")
    gates: dict[str, GateFile] = Field(
        default_factory=dict,
        description="Sample or panel → a person's gates, which go before thresholds and automatic gates.",
    )
    analysis: Analysis = Field(default_factory=Analysis, description="Settings of the laboratories.")

    @field_validator("panels", mode="before")
    @classmethod
    def _empty_panel(cls, value: Any) -> Any:
        """Read a panel below which nothing stands as one of built-in names alone."""
        return {name: {} if one is None else one for name, one in value.items()} if isinstance(value, dict) else value


def read_settings(path: str | Path) -> tuple[Settings | None, Lines, list[TilseqError]]:
    """Read study.yaml and list everything that is wrong with it.

    Returns
    -------
    settings
        None when there are problems.
    lines
        Line of each key, by its path.
    problems
        Each with the line as its row and the dotted key as its column.
    """
    return read_model(path, Settings, file=FILE, expected="settings such as `study: my_trial`")
