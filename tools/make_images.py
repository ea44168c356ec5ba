"""Write the pictures of docs/images that are of an executed notebook, or of a run of the sample study.

    .venv/bin/python tools/make_images.py [OUT [CLINIC]]

Run it behind tools/make_notebooks.py, so that all are of the present code. With the folder of a run, as `make demo`
leaves it in demo-out, those of the run are made as well, and where chromium is installed the top of its report; with a
second one, of the trial that docs/clinical.md tells the commands of, that of the clinic.
"""

import shutil
import subprocess
import sys
from base64 import b64decode
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import jupytext
from PIL import Image

ROOT = Path(__file__).parents[1]
# Image → notebook, and what it calls the pictures of each column.
IMAGES = {
    "transcriptome": ("expression", (("dots",), ("slopes",))),
    "cytokines": ("cytokines", (("curves",), ("courses",))),
    "safety": ("safety", (("bars",), ("neutrophils", "markers"))),
}
# Image → figure of a run of data/sample.
OF_RUN = {
    "flow_gates": "flow/SIM-01_D28_tstate-*-gates.png",
    "infused_compartments": "tracking/SIM-01-*-4-compartments.png",
    "infused_courses": "tracking/SIM-01-*-2-courses.png",
    "rarefaction": "diversity/SIM-01-*-rarefaction_TRB-*.png",
    "repertoire_families": "repertoire/SIM-01_baseline_bcr-*-distances.png",
}
# Figures of a run of the clinic, in columns.
OF_CLINIC = (
    ("study/clinical_survival_OS", "study/clinical_waterfall"),
    ("study/clinical_survival_PFS", "survival/all-swimmer"),
)
CLINIC_WIDTH = 1440  # pixels
REPORT_SIZE = "1120,1500"  # pixels of the report's top
GAP, WHITE = 40, (255, 255, 255)


def picture(notebook: Path, name: str) -> Image.Image:
    """Return the picture of a notebook that its cell shows under a name."""
    (cell,) = (cell for cell in jupytext.read(notebook).cells if f', "{name}")' in cell.source)
    (found,) = (output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    return Image.open(BytesIO(b64decode(found))).convert("RGB")


def stacked(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures from above to below on white, from one left edge."""
    height = sum(one.height for one in pictures) + GAP * (len(pictures) - 1)
    whole, top = Image.new("RGB", (max(one.width for one in pictures), height), WHITE), 0
    for one in pictures:
        whole.paste(one, (0, top))
        top += one.height + GAP
    return whole


def side_by_side(pictures: list[Image.Image], *, top: bool = False) -> Image.Image:
    """Return pictures from left to right on white, each in the middle of the height or at the top."""
    width = sum(one.width for one in pictures) + GAP * (len(pictures) - 1)
    whole, left = Image.new("RGB", (width, max(one.height for one in pictures)), WHITE), 0
    for one in pictures:
        whole.paste(one, (left, 0 if top else (whole.height - one.height) // 2))
        left += one.width + GAP
    return whole


def of_notebooks() -> None:
    """Write the pictures of notebooks, in columns."""
    for image, (name, columns) in IMAGES.items():
        notebook = ROOT / "notebooks" / f"{name}.ipynb"
        whole = side_by_side([stacked([picture(notebook, one) for one in column]) for column in columns])
        whole.save(ROOT / "docs" / "images" / f"{image}.png", optimize=True)


def of_run(out: Path) -> None:
    """Write the pictures of a run: figures, and the top of the report."""
    for image, pattern in OF_RUN.items():
        (found,) = (out / "figures").glob(pattern)
        shutil.copyfile(found, ROOT / "docs" / "images" / f"{image}.png")
    if (chromium := shutil.which("chromium")) is None:
        print("no chromium: docs/images/report.png stays as it is")
        return
    with TemporaryDirectory() as folder:
        shot = Path(folder) / "report.png"
        options = ["--headless=new", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={folder}/user"]
        options += [f"--window-size={REPORT_SIZE}", f"--screenshot={shot}", (out / "report.html").resolve().as_uri()]
        subprocess.run([chromium, *options], check=True, capture_output=True)
        few = Image.open(shot).convert("RGB").quantize(256)
        few.save(ROOT / "docs" / "images" / "report.png", optimize=True)


def of_clinic(out: Path) -> None:
    """Write the picture of the clinic: survival, the deepest changes and the lanes of its subjects."""
    files = [[Image.open(out / "figures" / f"{name}.png").convert("RGB") for name in column] for column in OF_CLINIC]
    whole = side_by_side([stacked(column) for column in files], top=True)
    small = whole.resize((CLINIC_WIDTH, whole.height * CLINIC_WIDTH // whole.width), Image.Resampling.LANCZOS)
    small.save(ROOT / "docs" / "images" / "clinical.png", optimize=True)


if __name__ == "__main__":
    of_notebooks()
    for write, folder in zip((of_run, of_clinic), sys.argv[1:], strict=False):
        write(Path(folder))
