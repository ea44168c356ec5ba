"""Execute every notebooks/*.py and write it with its outputs as .ipynb: beside it, or into the folder that is given.

    .venv/bin/python tools/make_notebooks.py [FOLDER]

Made twice with the same code, lock and CPU type, a notebook is the same to the byte.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import jupytext
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(source: Path) -> Any:
    """Return the notebook of a percent script with the outputs of its cells; a cell that fails raises."""
    notebook = jupytext.read(source)
    notebook.metadata = {"kernelspec": KERNEL}
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # in place of a random one
    client = NotebookClient(notebook, kernel_name=KERNEL["name"], timeout=120, record_timing=False)
    client.execute(cwd=str(source.parent))
    notebook.metadata = {"kernelspec": KERNEL}  # the kernel adds the version of its Python
    return notebook


def main(folder: Path) -> None:
    """Write every notebook; what the user's own Jupyter and IPython are set to takes no part."""
    with TemporaryDirectory() as settings:
        for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR"):
            os.environ[name] = settings
        for source in sorted(NOTEBOOKS.glob("*.py")):
            jupytext.write(execute(source), folder / f"{source.stem}.ipynb")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else NOTEBOOKS)
