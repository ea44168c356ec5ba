"""What a mistyped file was meant to be: the name beside it that is nearly the same."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tilseq.errors import TilseqError


class ExistingPath(click.Path):
    """A path that must be there; where it is not, the error names the one that was meant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(exists=True, path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            if (meant := _meant_by(Path(value))) is None:
                raise
            raise click.BadParameter(f"{error.message} {meant[0].upper()}{meant[1:]}", ctx, param) from error


CSV = ExistingPath(dir_okay=False)


def _meant_by(path: Path) -> str | None:
    """Return words such as ``did you mean 'raw/a.fcs'?`` where a path is not there and one beside it is nearly so."""
    from tilseq.errors import did_you_mean

    try:
        beside = [] if path.exists() else sorted(one.name for one in path.parent.iterdir())
    except OSError:  # no folder either, or one that cannot be listed
        return None
    meant = did_you_mean(path.name, beside)
    return meant if meant is None or path.parent == Path() else meant.replace("'", f"'{path.parent}/", 1)


def with_meant(error: TilseqError) -> TilseqError:
    """Return an error that says, of a file to read that is not there, which was meant."""
    from tilseq.errors import ReadError

    if isinstance(error, ReadError) and error.mend is None and error.file is not None:
        error.mend = _meant_by(Path(error.file))
    return error
