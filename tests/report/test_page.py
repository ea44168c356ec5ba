import json
import shutil
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO

import polars as pl
import pytest
from PIL import Image, ImageDraw

from tests.report.clinical_tables import clinical_tables
from tilseq.errors import ReadError, RunError
from tilseq.io.files import write_json
from tilseq.io.write import write_table
from tilseq.report import glossary, render
from tilseq.report.images import _source
from tilseq.report.page import breaking, lines
from tilseq.report.results import TABLES as TABLES_OF_A_RUN
from tilseq.tables import outputs
from tilseq.tables import repertoire as repertoire_tables

TAGS = set(
    "html head meta title style body header p h1 h2 nav ul li a main section dl div dt dd table caption thead tbody tr "
    "th td small span i b code br wbr details summary figure img figcaption footer".split()
)
ATTRIBUTES = {
    "html": {"lang"}, "meta": {"charset", "http-equiv", "content", "name"}, "a": {"href"}, "img": {"src", "alt"},
    "header": {"id"}, "section": {"id"}, "nav": {"aria-label"}, "p": {"class"}, "dl": {"class"},
    "div": {"class", "role", "aria-label", "tabindex"}, "caption": {"class"}, "tr": {"class"},
    "th": {"scope", "class", "colspan"}, "td": {"class", "colspan"},
    "small": {"class"}, "details": {"id", "class"}, "span": {"class", "title"}, "i": {"aria-hidden"}, "b": {"class"},
}  # fmt: skip
TABLES = {"persistence": repertoire_tables.PERSISTENCE, "samples": outputs.SAMPLES_RUN}
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
VOID = ("meta", "img", "br", "wbr")


class Page(HTMLParser):
    """Every tag with its attributes, the visible text, the text of each row's cells, and the tags that stay open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += data.strip("\n")


def test_a_name_may_go_on_in_another_line_after_each_underscore():
    assert breaking("S_<b>_1\u200b") == "S_<wbr>&lt;b&gt;_<wbr>1⟨U+200B⟩"


def page_of(out):
    return Page(render(out).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def good_page(runs, tmp_path_factory):
    """The page of the good run, for tests that only look at it."""
    return page_of(shutil.copytree(runs / "good", tmp_path_factory.mktemp("page") / "good"))


def test_verdict_and_numbers_of_the_head(good_page):
    assert "70 samples: 65 ok, 1 with warnings, 1 failed quality, 1 not finished, 2 not available." in good_page.text


def test_numbers_stand_with_their_limits_and_the_missing_say_why(good_page):
    rows = {tuple(row[:5]): row[5:] for row in good_page.rows if len(row) == 9}
    # Behind the visit stands what narrow screens show in the place of specimen and sample.
    # hand: CD3 41.7 - 1.12 and + 1.13; ratio 24.3 / (93.1 - 24.3), 7 % to either side
    assert rows["P01", "screeningblood, 0_flow", "−35", "blood", "P01_0_flow"] == [
        "41.7 (40.6-42.8)", "24.3 (23.2-25.4)", "68.8 (67.7-69.9)", "0.353 (0.328-0.378)",
    ]  # fmt: skip
    failed = rows["P04", "month 3blood, 5_flow, failed quality", "92", "blood", "P04_5_flowfailed quality"]
    assert failed[3] == "–not evaluable"
    assert rows["P05", "month 3blood, 5_flow", "91", "blood", "P05_5_flow"] == ["–not available"] * 4


def test_what_was_not_seen_has_its_limit_of_detection(good_page):
    rows = good_page.rows
    row = next(row for row in rows if row[4:5] == ["P01_5_tcr"] and "TRB" in row and "not seen" in "".join(row))
    assert row[6] == "not seenbelow 0.0140 %"
    assert next(row for row in rows if row[4:5] == ["P01_3_tcr"] and len(row) == 12)[6] == "12.5(11.8-13.1)"


def test_a_receptor_sample_without_numbers_stands_in_its_tables_and_says_why(good_page):
    rows = good_page.rows
    told = [row for row in rows if row[3:5] == ["blood", "P02_4_tcr"] or row[3:4] == ["P02_4_tcr"]]
    assert told == [
        ["P02", "month 1blood, 4_tcr", "31", "blood", "P02_4_tcr", "–", "–not finished", *"–" * 5],
        ["P02", "month 14_tcr", "31", "P02_4_tcr", "–", "–not finished", *"–" * 7],
    ]
    products = [row for row in rows if "P01_2_tcr" in row and row[1].startswith("infusioninfusion product")]
    # A reference has diversity, genes and depth but is not held against itself.
    assert [len(row) for row in products] == [13, 10, 12]


def test_a_subject_whose_comparison_failed_or_that_has_no_reference_says_so(good_out):
    def without(name, **of):
        path = good_out / "tables" / f"{name}.parquet"
        frame = pl.read_parquet(path)
        gone = pl.all_horizontal(pl.col(column) == value for column, value in of.items())
        write_table(frame.filter(~gone.fill_null(False)), TABLES[name], good_out / "tables")

    for sample in ("P01_3_tcr", "P03_3_tcr"):
        without("persistence", sample=sample)
    without("samples", subject="P03", specimen="infusion_product")
    failure = {"step": "persistence", "unit": "P01", "error": "e", "retry": "r"}
    write_table(outputs.FAILURES.frame([failure]), outputs.FAILURES, good_out / "tables")
    rows = {row[4]: row[6] for row in page_of(good_out).rows if len(row) == 12}
    assert (rows["P01_3_tcr"], rows["P03_3_tcr"]) == ("–not finished", "–no reference")


def test_folded_tables_go_by_day_and_tree_and_leave_out_what_is_always_empty(good_page):
    heads = ["Subject", "Visit", "Day", "Sample", "Population", "Parent", "Events", "Share% of parent"]
    assert heads in good_page.rows
    first = good_page.rows.index(heads) + 1
    assert [row[3:5] for row in good_page.rows[first : first + 5]] == [
        ["P01_0_flow", "CD3+"], ["P01_0_flow", "CD4+ T"], ["P01_0_flow", "CD8+ T"], ["P01_0_flow", "DN T"],
        ["P01_2_flow", "CD3+"],
    ]  # fmt: skip
    cuts = [row[4:] for row in good_page.rows if row[3:4] == ["P01_0_flow"] and row[-1] == "valley"]
    assert cuts == [[gate, f"{gate}-A", "lymphocytes", "812", "0.710", "valley"] for gate in ("CD3", "CD4", "CD8")]


def test_the_page_says_what_mass_is_and_what_its_limits_leave_out(good_page):
    text = good_page.text
    for words in (
        "held by clones seen in the file of the infusion product",
        "too rare for the depth of that file are missed, so the true share may be higher",
        "Clones that were in the blood before the infusion are counted in",
        "not over-dispersion between cells or bias of the library",
    ):
        assert words in text


@pytest.mark.parametrize(
    "term",
    [
        "Clones seen, reference kept", "Effective cells", "Hill q1", "D50", "Chao1", "Separation",
        "valley, cohort, fallback, settings", "By counting, by gates", "What adds to the error", "Left out by time",
        "Usual threshold", "not detected", "Mark", "Infused share, infused cells", "Above baseline",
        "Precision, recall, F1",
    ],
)  # fmt: skip
def test_a_term_of_the_page_has_a_sentence_on_it(term, good_page):
    assert f"<dt>{term}</dt>" in good_page.html


def test_infused_cells_and_a_persons_gates_have_tables_that_say_how_to_read_them(good_page):
    told = [row for row in good_page.rows if row[4:6] == ["P01_3_flow", "CD3+/TCR Vb2+"]]
    assert told == [["P01", "week 1blood, 3_flow", "7", "blood", "P01_3_flow", "CD3+/TCR Vb2+", "–", "40(31-52)",
                     "120(90-160)", "0.998", "an upper bound"]]  # fmt: skip
    assert ["P01", "infused share of CD3+%", "CD3+/TCR Vb2+", "40(31-52)", "–", "–", "–",
            "–fewer than 3 quantified days after the peak", "–", "–"] in good_page.rows  # fmt: skip
    assert [
        "P01",
        "screeningblood, 0_flow",
        "−35",
        "blood",
        "P01_0_flow",
        *["0.800"] * 3,
        "0.800CD3+",
        "1",
        "2",
        "−50",
    ] in good_page.rows
    assert "since cells that were not infused may bear the mark too" in good_page.text
    assert "F1 is 1 where both hold the same events" in good_page.text


def test_the_worst_checks_come_first_and_a_failure_says_how_to_try_again(good_page):
    rows = good_page.rows
    verdicts = [row[0] for row in rows if len(row) == 8 and row[3] == "events"]
    assert verdicts[:2] == ["P04_5_flow", "P03_3_flow"]
    assert ["tilseq step track my_study -o out --sample P02_4_tcr"] == [r[3] for r in rows if r[:1] == [
        "P02_4_tcrtcr/P02_4_tcr.tsv"]]  # fmt: skip


def test_a_rule_that_knows_no_counts_shows_a_dash_not_zero(good_page):
    rows = good_page.rows
    by_rule = {row[0]: row[1:] for row in rows if row[0] in ("twin row", "junction_aa holds a stop codon")}
    assert by_rule == {
        "twin row": ["34", "1,955", "–"],
        "junction_aa holds a stop codon": ["34", "1,955", "3,298"],
    }


def test_states_of_the_grid_are_told_by_sign_and_words_not_by_colour_alone(good_page):
    row = next(row for row in good_page.rows if row[0] == "P02" and "flow" in "".join(row))
    assert "⊘tcr, P02_4_tcr: tcr of blood, not finished" in "".join(row)


def test_every_image_has_a_text_and_lies_in_the_page(good_page):
    images = [attributes for tag, attributes in good_page.tags if tag == "img"]
    assert [image["alt"] for image in images] == ["P01_0_flow: gates", "P01_2_flow: gates", "tube_2"]
    assert all(image["src"].startswith("data:image/svg+xml;base64,") for image in images)


@pytest.mark.parametrize("kind", ["good", "hostile"])
def test_the_page_refers_to_nothing_outside_and_holds_no_script(kind, good_out, hostile_out):
    page = page_of(good_out if kind == "good" else hostile_out)
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES.get(tag, set())
        assert attributes.get("src", "data:image/").startswith("data:image/")
        assert attributes.get("href", "#").startswith("#")
    policies = [a["content"] for _, a in page.tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    targets = {a["id"] for _, a in page.tags if "id" in a}
    assert {a["href"][1:] for tag, a in page.tags if tag == "a"} <= targets


def test_hostile_names_stand_as_text_in_cells_and_attributes(hostile_out):
    page = page_of(hostile_out)
    cells = {cell for row in page.rows for cell in row}
    titles = " ".join(attributes.get("title", "") for _, attributes in page.tags)
    for name in (
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        '"><img src=x onerror=alert(2)>',
        "S⟨U+202E⟩⟨U+200B⟩7⟨U+000A⟩newline",
        "x" * 300,
        "</style><style>body{display:none}</style>",
        "{{ 7*7 }}{% raw %}",
    ):
        assert name in cells
        assert f"{name}_0_tcr: tcr of blood" in titles
    assert "‮" not in page.text


def test_an_error_of_several_lines_keeps_them_and_is_escaped():
    assert str(lines("a <b>\nline\u200b 2")) == "a &lt;b&gt;<br>line⟨U+200B⟩ 2"


def test_the_same_folder_gives_the_same_bytes(good_out):
    out = good_out
    first = render(out).read_bytes()
    assert render(out).read_bytes() == first


@pytest.mark.parametrize("table", sorted(path for path in (
    "samples", "endpoints", "quality", "exclusions", "failures", "counts", "cuts", "cohort_cuts", "comparison",
    "diversity", "persistence", "response", "scores", "origin_classes", "change", "sample_identity", "leak_rates",
    "cell_labels")))  # fmt: skip
def test_any_table_may_be_absent(table, good_out):
    out = good_out
    (out / "tables" / f"{table}.parquet").unlink()
    assert page_of(out).open == []


def test_empty_tables_say_so_in_words(tmp_path):
    for table in (*vars(outputs).values(), *vars(repertoire_tables).values()):
        if isinstance(table, outputs.Table):
            write_table(table.frame(), table, tmp_path / "tables")
    text = page_of(tmp_path).text
    for sentence in (
        "The run lists no samples.",
        "No tube was measured. Samples that could have given some: none, as samples.csv lists none of flow.",
        "No sample was compared with an infusion product",
        "No gene set was scored.",
        "No response was derived.",
        "No check was made.",
        "Every step was finished.",
        "Nothing was left out.",
        "There is no run.json",
    ):
        assert sentence in text


def test_what_no_file_tells_of_is_not_said_to_be_none(tmp_path):
    for table in TABLES_OF_A_RUN:
        write_table(table.frame(), table, tmp_path / "tables")
    tables = [{"path": name, "bytes": 1, "sha256": "0"} for name in ("samples.csv", "clinical/labs.csv")]
    write_json(tmp_path / "run.json", {"inputs": tables})
    text = page_of(tmp_path).text
    for sentence in (
        "No rate of response was found: the study has no clinical/lesions.csv.",
        "No response was derived: the study has no clinical/lesions.csv.",
        "No adverse event was recorded: the study has no clinical/adverse_events.csv.",
        "No laboratory result was graded.",  # its file is there
        "No tumour marker of a panel was recorded: the study has no clinical/tumor_markers.csv.",
    ):
        assert sentence in text
    write_json(tmp_path / "run.json", {"inputs": [*tables, {"path": "clinical/ae.csv", "bytes": 1, "sha256": "0"}]})
    assert "No adverse event was recorded." in page_of(tmp_path).text


def test_files_that_gave_no_response_say_why(tmp_path):
    for table in TABLES_OF_A_RUN:
        write_table(table.frame(), table, tmp_path / "tables")
    lesions = {"path": "clinical/lesions.csv", "bytes": 1, "sha256": "0"}
    write_json(tmp_path / "run.json", {"inputs": [lesions]})
    assert "No response was derived: no row in clinical/lesions.csv." in page_of(tmp_path).text
    left_out = {"file": "clinical/lesions.csv", "rule": "after the data cut", "rows": 3}
    write_table(outputs.EXCLUSIONS.frame([left_out]), outputs.EXCLUSIONS, tmp_path / "tables")
    assert "No response was derived; see under exclusions why." in page_of(tmp_path).text


def test_a_study_without_samples_does_not_say_that_it_has_no_subjects(tmp_path):
    for table in TABLES_OF_A_RUN:
        write_table(table.frame(), table, tmp_path / "tables")
    text = page_of(tmp_path).text
    assert "No table of the run names a subject." in text
    assert "subjects with samples0" in text


def test_the_page_of_a_clinical_study_has_no_empty_sections_of_samples(tmp_path):
    for table in TABLES_OF_A_RUN:
        write_table(table.frame(), table, tmp_path / "tables")
    for table, rows in clinical_tables(("P1", "P2", "P3", "P4", "P5", "P6"), None).items():
        write_table(table.frame(rows), table, tmp_path / "tables")
    page = page_of(tmp_path)
    sections = [attributes["id"] for tag, attributes in page.tags if tag == "section"]
    assert sections == ["subjects", "clinical", "safety", "failures", "exclusions", "methods"]
    linked = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert [f"#{name}" for name in sections] == [link for link in linked if link.removeprefix("#") in sections][:6]
    assert "The clinical data of 6 subjects, no samples." in page.text


def test_a_laboratory_whose_samples_all_failed_does_not_say_that_there_were_none(tmp_path):
    sample = {"subject": "S1", "visit": "v", "specimen": "blood", "assay": "tcr"}
    rows = [{**sample, "sample": "a", "state": "failed"}, {**sample, "sample": "b", "state": "failed"}]
    failure = {"step": "clinical", "unit": "response", "error": "e", "retry": "r"}
    write_table(outputs.SAMPLES_RUN.frame(rows), outputs.SAMPLES_RUN, tmp_path / "tables")
    write_table(outputs.FAILURES.frame([failure]), outputs.FAILURES, tmp_path / "tables")
    for table in (repertoire_tables.DIVERSITY, outputs.RESPONSE):
        write_table(table.frame(), table, tmp_path / "tables")
    text = page_of(tmp_path).text
    assert "No repertoire was measured. Samples that could have given some: 2 not finished." in text
    assert "No response was derived; see under failures why." in text


def test_a_run_that_wrote_nothing_but_its_record_says_which_tables_are_absent(tmp_path):
    write_json(tmp_path / "run.json", {"study": {"name": "s1", "title": None}})
    text = page_of(tmp_path).text
    for table in ("samples", "endpoints", "diversity", "scores", "response", "quality", "failures", "exclusions"):
        assert f"The run wrote no table `{table}`." in text
    assert "s1" in text and "Every step was finished" not in text


def test_a_long_table_is_cut_and_says_where_the_rest_is(tmp_path):
    rows = [{"sample": f"S{i:05}", "check": "events", "verdict": "pass"} for i in range(2003)]
    write_table(outputs.QUALITY.frame(rows), outputs.QUALITY, tmp_path / "tables")
    page = page_of(tmp_path)
    assert sum(row[0].startswith("S0") for row in page.rows) == 2000
    assert "3 more rows in tables/quality.csv." in page.text


def test_of_a_tubes_figure_the_smaller_file_is_shown_and_none_is_lost_when_the_page_is_full(good_out, monkeypatch):
    out = good_out
    folder = out / "figures" / "flow"
    (folder / "tube_0.png").write_bytes(b"png")
    (folder / "tube_1.png").write_bytes(b"x" * 1000)
    monkeypatch.setattr("tilseq.report.images.MOST_BYTES", 300)
    page = page_of(out)
    sources = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert sources == ["data:image/png;base64,cG5n", *[s for s in sources[1:] if s.startswith("data:image/svg+xml")]]
    assert len(sources) == 2
    assert "it is in figures/flow/tube_2.svg" in page.text


def test_of_a_figure_of_the_cohort_the_svg_is_shown_unless_it_is_large(good_out, monkeypatch):
    folder = good_out / "figures" / "study"
    folder.mkdir()
    (folder / "flow_x.svg").write_text("<svg/>" * 9)
    (folder / "flow_x.png").write_bytes(b"png")
    before = [a["src"][:15] for tag, a in page_of(good_out).tags if tag == "img"]
    monkeypatch.setattr("tilseq.report.images.LARGEST_SVG", 10)
    after = [a["src"][:15] for tag, a in page_of(good_out).tags if tag == "img"]
    assert (before[0], after[0]) == ("data:image/svg+", "data:image/png;")


def test_a_png_is_held_as_webp_of_the_same_pixels_in_fewer_bytes(good_out):
    drawn = Image.new("RGB", (300, 200), "white")
    ImageDraw.Draw(drawn).line((0, 0, 299, 199), fill="#D55E00", width=3)
    folder = good_out / "figures" / "flow"
    drawn.save(folder / "tube_0.png", compress_level=1)
    (folder / "tube_0.svg").write_text("<svg/>" * 9_000)
    (source,) = (a["src"] for tag, a in page_of(good_out).tags if tag == "img" and "image/svg" not in a["src"])
    kind, data = source.split(",")
    held = b64decode(data)
    assert kind == "data:image/webp;base64"
    assert Image.open(BytesIO(held)).convert("RGB").tobytes() == drawn.tobytes()
    assert len(held) < (folder / "tube_0.png").stat().st_size


def test_a_png_wider_than_webp_can_be_stays_a_png_and_what_is_transparent_stays_so(tmp_path):
    wide, clear = tmp_path / "wide.png", tmp_path / "clear.png"
    Image.new("RGB", (17_000, 2), "white").save(wide)
    assert _source(wide).startswith("data:image/png;base64,")
    Image.new("RGBA", (300, 200), (0, 0, 0, 0)).save(clear, compress_level=0)
    kind, data = _source(clear).split(",")
    assert kind == "data:image/webp;base64"
    assert Image.open(BytesIO(b64decode(data))).convert("RGBA").getpixel((5, 5))[3] == 0


def test_a_cell_without_a_class_has_none_and_one_of_a_number_has_it_once(good_out):
    page = page_of(good_out)
    classes = [attributes["class"] for tag, attributes in page.tags if tag in ("td", "th") and "class" in attributes]
    assert "number" in classes
    assert [one for one in classes if not one.strip() or len(set(one.split())) < len(one.split())] == []


def test_a_folder_that_no_run_wrote_is_refused(tmp_path):
    with pytest.raises(RunError, match="not the folder of a run"):
        render(tmp_path)
    with pytest.raises(RunError, match="not the folder of a run"):
        render(tmp_path / "absent")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all"])
def test_a_broken_table_is_named(content, good_out):
    out = good_out
    (out / "tables" / "quality.parquet").write_bytes(content)
    with pytest.raises(ReadError, match=r"quality\.parquet"):
        render(out)


def test_a_table_that_lacks_a_column_of_this_version_is_no_table_of_nulls(good_out):
    """An empty `data_cut_day` would tell that there is no data cut."""
    path = good_out / "tables" / "best_response.parquet"
    pl.read_parquet(path).drop("data_cut_day").write_parquet(path)
    with pytest.raises(ReadError, match=r"best_response\.parquet, column data_cut_day.*another version") as refused:
        render(good_out)
    assert "run `tilseq run` again" in str(refused.value)


def test_a_table_of_another_version_is_named_with_its_column(good_out):
    out = good_out
    pl.DataFrame({"sample": ["S1"], "check": ["c"], "verdict": ["great"]}).write_parquet(
        out / "tables" / "quality.parquet"
    )
    with pytest.raises(ReadError, match=r"quality\.parquet, column verdict.*pass, warn, fail"):
        render(out)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "[" * 100_000, '{"inputs": 3}', '{"study": [1]}', '{"settings": "x"}', '{"notes": "x"}', "\udcff"],
)
def test_a_broken_run_record_is_named(text, good_out):
    out = good_out
    (out / "run.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ReadError, match=r"run\.json"):
        render(out)


def test_odd_values_of_the_run_record_are_shown_or_left_out(good_out):
    out = good_out
    run = json.loads((out / "run.json").read_text())
    run |= {"seconds": "soon", "started": None, "seed": 0, "inputs": [{}, {"path": "a", "bytes": "b"}], "system": None}
    write_json(out / "run.json", run)
    page = page_of(out)
    assert "2 input files" in page.text and "Took" not in page.text


def test_a_page_that_stands_is_replaced_whole(good_out):
    out = good_out
    render(out)
    shutil.rmtree(out / "figures")
    page = page_of(out)
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert not list(out.glob(".*.part"))


def test_a_mark_that_says_its_words_is_not_read_aloud_twice(good_page):
    assert "ok, ok" not in good_page.text and "with warnings, with warnings" not in good_page.text


def test_what_a_word_means_is_never_cut(good_out):
    page = page_of(good_out)
    for meaning in glossary.REPERTOIRE.values():
        assert meaning in page.text
    assert max(map(len, glossary.REPERTOIRE.values())) > 400  # longer than what the page prints of a value
