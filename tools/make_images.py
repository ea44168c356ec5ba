"""Write docs/images/transcriptome.png and cytokines.png: two pictures of an executed notebook each, side by side.

    .venv/bin/python tools/make_images.py

Run it behind tools/make_notebooks.py, so that all are of the present code.
"""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import jupytext
from PIL import Image

ROOT = Path(__file__).parents[1]
# Image → notebook, and what it calls its pictures.
IMAGES = {"transcriptome": ("expression", ("dots", "slopes")), "cytokines": ("cytokines", ("curves", "courses"))}
GAP, WHITE = 40, (255, 255, 255)


def picture(notebook: Path, name: str) -> Image.Image:
    """Return the picture of a notebook that its cell shows under a name."""
    (cell,) = (cell for cell in jupytext.read(notebook).cells if f', "{name}")' in cell.source)
    (found,) = (output.data["image/png"] for output in cell.outputs if "image/png" in output.get("data", {}))
    return Image.open(BytesIO(b64decode(found))).convert("RGB")


def side_by_side(pictures: list[Image.Image]) -> Image.Image:
    """Return pictures from left to right on white, each in the middle of the height."""
    width = sum(one.width for one in pictures) + GAP * (len(pictures) - 1)
    whole, left = Image.new("RGB", (width, max(one.height for one in pictures)), WHITE), 0
    for one in pictures:
        whole.paste(one, (left, (whole.height - one.height) // 2))
        left += one.width + GAP
    return whole


if __name__ == "__main__":
    for image, (notebook, names) in IMAGES.items():
        whole = side_by_side([picture(ROOT / "notebooks" / f"{notebook}.ipynb", name) for name in names])
        whole.save(ROOT / "docs" / "images" / f"{image}.png", optimize=True)
