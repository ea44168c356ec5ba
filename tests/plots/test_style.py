import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilseq.errors import RunError
from tilseq.plots.style import (
    INK,
    LONGEST_STEM,
    decimal,
    figure,
    file_stem,
    house_style,
    ink_on,
    save,
    short,
    visible,
)


def drawn(title="x"):
    with figure(3, 2) as axes:
        axes.plot([0, 1], [1, 2], marker="o")
        axes.set_title(title)
    return axes.figure


def test_the_same_figure_gives_the_same_bytes_without_date_or_program(tmp_path):
    first = save(drawn(), tmp_path / "a", "name")
    second = save(drawn(), tmp_path / "b", "name")
    assert [path.name for path in first] == ["name.svg", "name.png"]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    svg, png = (path.read_bytes() for path in first)
    assert b"dc:date" not in svg and b"Matplotlib v" not in svg and b"<text" not in svg
    assert png.startswith(b"\x89PNG") and b"Software" not in png


def test_a_png_has_so_few_colours_that_it_is_small(tmp_path):
    from PIL import Image

    _, png = save(drawn(), tmp_path, "x")
    with Image.open(png) as image:
        assert (image.mode, image.size, round(image.info["dpi"][0])) == ("P", (450, 300), 150)


@pytest.mark.parametrize("width", [3.0, 7.6 + 0.6 * 2, 1.1 * 3])  # 8.8 less a bit, 3.3 and a bit more
def test_a_png_shows_what_was_drawn_whatever_the_width(width, tmp_path):
    import numpy as np
    from PIL import Image

    with figure(width, 2) as axes:
        axes.set_axis_off()
        axes.axvline(0.5, color="black", linewidth=4)
    _, png = save(axes.figure, tmp_path, "x")
    with Image.open(png) as image:
        dark = np.asarray(image.convert("L")) < 128
    assert dark.any(axis=1).sum() > 250  # of 300 rows
    assert dark.any(axis=0).sum() < 12  # an upright line


def test_long_labels_are_whole_in_the_png(tmp_path):
    import numpy as np
    from PIL import Image

    with figure() as axes:
        axes.set_yticks([0, 1], ["product · SIM-02_product_LOT-02A · autologous tumour · CD8+ T", "D28"])
    _, png = save(axes.figure, tmp_path, "long")
    with Image.open(png) as image:
        margin = np.asarray(image.convert("L"))[:, :2]
    assert margin.min() > 250


def test_the_style_ends_with_its_block_and_pyplot_knows_no_figure():
    before = dict(matplotlib.rcParams)
    with house_style():
        assert matplotlib.rcParams["svg.hashsalt"] == "tilseq"
    drawn()
    assert dict(matplotlib.rcParams) == before
    from matplotlib import pyplot

    assert pyplot.get_fignums() == []


@pytest.mark.parametrize("title", ["$\\frac{", "$a$ and $b$", "<script>alert(1)</script>", "--><x/>", "a\nb", "\u202e"])
def test_a_name_is_drawn_as_it_is(title, tmp_path):
    from xml.etree import ElementTree

    svg, _ = save(drawn(short(title)), tmp_path, "x")
    tags = {element.tag.rpartition("}")[2] for element in ElementTree.parse(svg).iter()}
    assert not tags & {"script", "x", "text"}


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file"):
        save(drawn(), tmp_path / "file", "x")


@pytest.mark.parametrize("name", ["S1", "S1-gates", "a.b_c+d", "x" * 80])
def test_a_plain_name_is_kept(name):
    assert file_stem(name) == name


# The marks are the first ten digits of `printf '%s' NAME | sha256sum`.
@pytest.mark.parametrize(
    ("name", "stem"),
    [("a/b", "a_b-c14cddc033"), ("..", "-5ec1f7e700"), ("", "-e3b0c44298"), (".hidden", "hidden-1692419006")],
)
def test_a_name_that_no_file_may_bear_is_changed_and_marked(name, stem):
    assert file_stem(name) == stem


@given(st.text(max_size=200), st.text(max_size=200))
def test_stems_are_safe_and_tell_names_apart(one, other):
    stem = file_stem(one)
    assert 0 < len(stem) <= LONGEST_STEM and not stem.startswith(".") and stem.isascii() and "/" not in stem
    assert (stem == file_stem(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Zoë 7 µL 患者", "Zoë 7 µL 患者"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("\u202eevil", "⟨U+202E⟩evil"),
        ("a\nb\tc\x00", "a⟨U+000A⟩b⟨U+0009⟩c⟨U+0000⟩"),
        ("\u2028\ufeff\U000e0041", "⟨U+2028⟩⟨U+FEFF⟩⟨U+E0041⟩"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text, seen):
    assert visible(text) == seen


def test_a_long_name_is_cut_in_the_middle():
    assert short("subject-0001-and-a-very-long-tail") == "subject-0001…y-long-tail"
    assert short("x" * 24) == "x" * 24


def test_a_number_has_a_long_minus_and_no_sign_where_it_rounds_to_0():
    assert [decimal(value) for value in (-0.125, -0.004, 0.0, 1.0)] == ["−0.12", "0.00", "0.00", "1.00"]


# Contrast of white and of ink by the WCAG's formula, as webaim.org's checker has it: white and ink on #0072B2 5.19 and
# 3.3, on #D55E00 3.87 and 4.4, on #56B4E9 2.3 and 7.4.
@pytest.mark.parametrize(
    ("colour", "ink"), [("#0072B2", "white"), ("#D55E00", INK), ("#56B4E9", INK), ("#000000", "white")]
)
def test_letters_are_of_the_colour_that_stands_out(colour, ink):
    assert ink_on(colour) == ink
