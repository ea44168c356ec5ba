"""Bead-array kits as YAML: those that ship, and a person's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from tilseq.errors import ReadError, StudyError
from tilseq.io.yaml_model import Part, read_model
from tilseq.kits import Kit, KitBead, is_latent

SHIPPED = Path(__file__).parents[1] / "cytokines" / "kits"
MOST_CONCENTRATED = 1e9  # pg/mL, a milligram

Names = Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)]
Concentration = Annotated[float, Field(gt=0, le=MOST_CONCENTRATED, allow_inf_nan=False)]


class Bead(Part):
    """One bead population."""

    analyte: str = Field(min_length=1, description="What it captures.")
    classifier: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Brightness of its dye relative to the kit's other beads."
    )
    top_pg_per_ml: Concentration | None = Field(
        None, description="Concentration of the highest standard, where it is not that of `standards`."
    )


class Channels(Part):
    """Names of channels ($PnN or $PnS); the first that a file has is taken."""

    forward: Names
    side: Names
    classifier: Names
    reporter: Names


class Standards(Part):
    """The series of standards."""

    top_pg_per_ml: Concentration | None = Field(None, description="Concentration of the highest standard.")
    fold: float = Field(gt=1, le=1000, allow_inf_nan=False, description="Fold between one standard and the next.")
    levels: int = Field(ge=2, le=20, description="Standards above the blank; with 7 the highest is C7.")


class Activation(Part):
    """Acid activation of a latent analyte."""

    dilution: float = Field(
        ge=1, le=1000, allow_inf_nan=False, description="Final over original volume: sample, acid and neutraliser."
    )


class KitFile(Part):
    """A kit; its beads by size from the least forward scatter up, of each size from the dimmest classifier up."""

    kit: str = Field(min_length=1, description="What the plate sheet calls it.")
    title: str = Field("", description="What it is.")
    unit: Literal["pg/mL"] = Field(description="Of all concentrations.")
    channels: Channels
    beads: dict[str, list[Bead]] = Field(min_length=1)
    standards: Standards | None = None
    activation: Activation | None = Field(None, description="Needed where an analyte is latent, as TGF-β is.")

    @model_validator(mode="after")
    def _beads_agree(self) -> Self:
        beads = [bead for group in self.beads.values() for bead in group]
        names = [bead.analyte for bead in beads]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"analyte {twice} stands twice; every bead needs an analyte of its own")
        for size, group in self.beads.items():
            if not group:
                raise ValueError(f"no bead stands below size {size}")
            told = [bead.classifier for bead in group if bead.classifier is not None]
            if told != sorted(set(told)):
                raise ValueError(f"the classifiers of size {size} do not rise; list its beads from the dimmest up")
        if len({bead.classifier is None for bead in beads}) > 1:
            raise ValueError("a classifier stands at some beads only; give all of them one, or none")
        latent = next((name for name in names if is_latent(name)), None)
        if latent is not None and self.activation is None:
            raise ValueError(
                f"{latent} is latent in part: `activation: {{dilution: ...}}` is needed, see the kit's insert"
            )
        return self


def read_kit(kit: str | Path) -> Kit:
    """Read a kit.

    Parameters
    ----------
    kit
        The name of one that ships, see `shipped_kits`, or the path of a YAML file.

    Raises
    ------
    StudyError
        Everything that is wrong with the file, each with its line.
    ReadError
        No kit of that name ships.
    """
    path = Path(kit)
    if path.suffix.casefold() not in (".yaml", ".yml"):
        names = shipped_kits()
        if str(kit) not in names:
            mend = "give the path of a YAML file for a kit of your own"
            raise ReadError("no kit of this name ships", found=str(kit), expected=", ".join(names), mend=mend)
        path = SHIPPED / f"{kit}.yaml"
    value, _, problems = read_model(path, KitFile, file=str(path), expected="a kit, such as `kit: my_kit`")
    if value is None or problems:
        raise StudyError(problems, "the kit")
    return _kit(value)


def shipped_kits() -> list[str]:
    """Return the names of the kits that ship."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_kits(paths: Sequence[str | Path] = ()) -> dict[str, Kit]:
    """Return the kits that ship and a person's own by name; one of a person's own goes before one that ships.

    Parameters
    ----------
    paths
        YAML files of a person's own kits.

    Raises
    ------
    StudyError
        As `read_kit`.
    ReadError
        Two of a person's own bear one name.
    """
    own: dict[str, Kit] = {}
    for path in paths:
        kit = read_kit(path)
        if kit.name in own:
            raise two_of_one_name(kit.name, path)
        own[kit.name] = kit
    return {**{name: read_kit(name) for name in shipped_kits()}, **own}


def two_of_one_name(name: str, path: str | Path) -> ReadError:
    """Return the error of a second kit of one name, whose concentrations may be others."""
    mend = "name the kit of each lot by itself"
    return ReadError("another kit bears this name", file=path, column="kit", found=name, mend=mend)


def _kit(read: KitFile) -> Kit:
    top = read.standards.top_pg_per_ml if read.standards else None
    beads = [
        KitBead(bead.analyte, size, place, bead.classifier, bead.top_pg_per_ml or top)
        for size, group in read.beads.items()
        for place, bead in enumerate(group, start=1)
    ]
    channels = read.channels
    return Kit(
        name=read.kit,
        title=read.title,
        sizes=tuple(read.beads),
        beads=tuple(beads),
        channels={
            "forward": tuple(channels.forward),
            "side": tuple(channels.side),
            "classifier": tuple(channels.classifier),
            "reporter": tuple(channels.reporter),
        },
        fold=read.standards.fold if read.standards else None,
        activation_dilution=read.activation.dilution if read.activation else None,
        levels=read.standards.levels if read.standards else None,
    )
