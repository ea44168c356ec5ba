"""The page in a real browser: nothing runs, nothing is asked for, nothing sticks out."""

import json
import shutil
from pathlib import Path

import pytest

from tilseq.report import render
from tilseq.report.page import _environment
from tilseq.report.view import Cell, Head, View

BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --hide-scrollbars"
).split()

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not BROWSER.exists() or not DRIVER.exists():
        pytest.skip(f"no {BROWSER} with {DRIVER}")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    for argument in (*ARGUMENTS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(runs, drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    shutil.copytree(drawn, folder / "good")
    shutil.copytree(runs / "hostile", folder / "hostile")
    return {kind: render(folder / kind) for kind in ("good", "hostile")}


def open_page(browser, page, width=1400):
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for log in ("browser", "performance"):
        browser.get_log(log)
    browser.get(page.as_uri())


def made_page(folder, view):
    """Write a page of one table."""
    templates = _environment()
    css = templates.get_template("report.css").render()
    table = templates.get_template("macros.html").module.table(view)
    page = folder / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><style>{css}</style><main>{table}</main>")
    return page


@pytest.mark.parametrize("kind", ["good", "hostile"])
def test_nothing_runs_and_nothing_is_asked_for(kind, browser, pages):
    from selenium.common.exceptions import NoAlertPresentException

    open_page(browser, pages[kind])
    with pytest.raises(NoAlertPresentException):
        _ = browser.switch_to.alert.text
    assert browser.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith("data:")] == [pages[kind].as_uri()]
    assert browser.execute_script("return document.scripts.length") == 0


def test_every_image_is_drawn(browser, pages):
    open_page(browser, pages["good"])
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    sizes = browser.execute_script("return [...document.images].map(i => [i.complete, i.naturalWidth > 0])")
    figures = list((pages["good"].parent / "figures").rglob("*.svg"))
    assert sizes == [[True, True]] * len(figures) and len(figures) > 15


def test_hostile_names_stand_as_text(browser, pages):
    open_page(browser, pages["hostile"])
    seen = browser.execute_script("return [...document.querySelectorAll('#study tbody th')].map(th => th.innerText)")
    assert set(seen) == {
        "<script>alert(1)</script>",
        "=cmd|' /C calc'!A0",
        '"><img src=x onerror=alert(2)>',
        "S⟨U+202E⟩⟨U+200B⟩7⟨U+000A⟩newline",
        "x" * 300,
        "</style><style>body{display:none}</style>",
        "{{ 7*7 }}{% raw %}",
        "javascript:alert(3)//' onmouseover='alert(4)",
    }
    assert browser.title == "<script>alert(1)</script> - tilseq report"
    assert browser.execute_script("return getComputedStyle(document.body).display") == "block"


@pytest.mark.parametrize("kind", ["good", "hostile"])
@pytest.mark.parametrize("width", [400, 1400])
def test_the_page_never_scrolls_sideways(kind, width, browser, pages):
    open_page(browser, pages[kind], width)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    assert browser.execute_script("return document.documentElement.scrollWidth") == width
    boxes = "return [...document.querySelectorAll('.box')].some(b => b.scrollWidth > b.clientWidth)"
    assert width == 1400 or browser.execute_script(boxes)


def test_a_narrow_screen_has_specimen_and_sample_below_the_visit_and_keeps_the_subject_in_sight(browser, pages):
    shown = """const box = [...document.querySelectorAll('#flow .box')][0]; box.scrollLeft = 200;
        const heads = [...box.querySelectorAll('thead th')].filter(th => th.offsetWidth).map(th => th.innerText);
        const first = box.querySelector('tbody th').getBoundingClientRect().left - box.getBoundingClientRect().left;
        const narrow = box.querySelector('small.narrow');
        return [heads.slice(0, 5), first, narrow.offsetHeight > 0 && narrow.innerText]"""
    open_page(browser, pages["good"], 400)
    heads, first, narrow = browser.execute_script(shown)
    assert heads[:4] == ["Subject", "Visit", "Day", "CD3+\n% of lymphocytes"] and first == 0
    assert narrow == "blood, 0_flow"
    open_page(browser, pages["good"], 1400)
    heads, _, narrow = browser.execute_script(shown)
    assert heads == ["Subject", "Visit", "Day", "Specimen", "Sample"] and not narrow


@pytest.mark.parametrize("width", [400, 1280])
def test_a_head_in_common_stands_over_its_columns_also_where_others_are_hidden(width, browser, pages):
    open_page(browser, pages["good"], width)
    below = """const table = [...document.querySelectorAll('#repertoire table')]
            .find(one => one.caption.innerText.startsWith('Persistence'));
        const place = one => one.getBoundingClientRect();
        const heads = [...table.tHead.rows[1].cells].filter(th => th.offsetWidth);
        return [...table.tHead.rows[0].querySelectorAll('th')].map(group => [group.innerText, heads.filter(th =>
            place(th).left > place(group).left - 1 && place(th).right < place(group).right + 1)
            .map(th => th.firstChild.textContent)])"""
    assert browser.execute_script(below) == [
        ["Of this sample", ["Mass", "Of which new"]],
        ["Of the reference, at a common depth", ["Clones seen", "Reference kept", "At"]],
    ]


def test_a_long_reason_is_set_wide_so_that_its_row_stays_low(browser, tmp_path):
    why = (
        "not detected after day 83, but 1,483 cells/µL could have been missed: a loss is told below 85.3 cells/µL, as "
        "day 83 had 858 cells/µL and the highest lower limit is 853 cells/µL"
    )
    heads = [Head("Subject"), *(Head(f"number {k}", numeric=True) for k in range(9)), Head("Lost by day", "d", True)]
    short = Cell("–", note="fewer than 3 quantified days after the peak", kind="missing")
    row = [Cell("SIM-02", kind="name"), *[short] * 9, Cell("–", note=why, kind="missing")]
    page = made_page(tmp_path, View("Kinetics", heads, [row], "", ""))
    open_page(browser, page, 1280)
    sizes = "const last = document.querySelector('tbody td:last-child'); return [last.offsetWidth, last.offsetHeight]"
    width, height = browser.execute_script(sizes)
    assert width >= 224 and height < 130


@pytest.mark.parametrize("width", [1280, 1400])
def test_wide_tables_fit_a_wide_screen(width, browser, pages):
    open_page(browser, pages["good"], width)
    browser.execute_script("for (const d of document.querySelectorAll('details')) d.open = true")
    cut = (
        "return [...document.querySelectorAll('.box:has(table)')]"
        ".filter(b => b.scrollWidth > b.clientWidth).map(b => b.ariaLabel)"
    )
    assert browser.execute_script(cut) == []


def test_scores_of_eight_samples_fit_a_screen_of_1280(browser, tmp_path):
    samples = [f"SIM-0{number}_product_sc" for number in range(1, 9)]
    heads = [
        Head("Gene set"),
        Head("Genes found", True),
        *(Head(one, "126 cells · with warnings", True) for one in samples),
    ]
    cells = [Cell(f"0.{number}", kind="number") for number in range(101, 109)]
    row = [Cell("amino_acid_transport", kind="name"), Cell("31 of 33", kind="number"), *cells]
    open_page(browser, made_page(tmp_path, View("Scores", heads, [row], "", "")), 1280)
    widths = "const box = document.querySelector('.box'); return [box.scrollWidth, box.clientWidth]"
    needed, room = browser.execute_script(widths)
    assert needed == room > 1000


def test_gates_of_a_batch_stand_in_rows_of_one_height_beside_how_their_tube_went(browser, pages):
    for width in (1400, 400):
        open_page(browser, pages["good"], width)
        browser.execute_script("for (const d of document.querySelectorAll('#flow details')) d.open = true")
        sizes = browser.execute_script("return [...document.querySelectorAll('.batch img')].map(i => i.offsetHeight)")
        assert len(sizes) == 3 and min(sizes) == max(sizes) > 150


def test_a_figure_of_a_subject_is_as_wide_as_the_page_or_can_be_scrolled(browser, pages):
    for width, least in ((1400, 1100), (400, 890)):
        open_page(browser, pages["good"], width)
        browser.execute_script("for (const d of document.querySelectorAll('#flow details')) d.open = true")
        sizes = browser.execute_script(
            "return [...document.querySelectorAll('#flow .wide img')].map(i => i.offsetWidth)"
        )
        assert len(sizes) == 8 and min(sizes) > least


def test_paper_shows_what_the_screen_folds_and_no_contents_bar(browser, pages):
    open_page(browser, pages["good"])
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    boxes = "return [...document.querySelectorAll('details:not([open]) .box')].map(b => b.offsetHeight)"
    heights = browser.execute_script(boxes)
    bar = browser.execute_script("return getComputedStyle(document.querySelector('nav')).display")
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert len(heights) > 40 and min(heights) > 20
    assert bar == "none"


def test_a_narrow_screen_shows_rates_and_medians_before_it_scrolls(browser, pages):
    shown = """return [...document.querySelectorAll('#clinical .box')].slice(0, 2).map(box =>
        [...box.querySelectorAll('thead tr:last-child th')]
            .filter(th => th.offsetWidth).map(th => th.firstChild.data))"""
    open_page(browser, pages["good"], 400)
    rates, times = browser.execute_script(shown)
    assert rates[:3] == ["Group", "Responses", "ORR"]
    assert times[:4] == ["Endpoint", "Subjects", "Events", "Median"]
    open_page(browser, pages["good"], 1400)
    assert browser.execute_script(shown)[0][:5] == ["Group", "Reader", "Responses", "Subjects", "ORR"]


def test_cytokines_stand_by_visit_with_their_limits_on_one_line(browser, pages):
    open_page(browser, pages["good"], 1400)
    heads, cell, breaks = browser.execute_script("""const box = document.querySelector('#cytokines .box');
        const heads = [...box.querySelectorAll('thead th')].map(th => th.firstChild.data);
        const cell = box.querySelectorAll('tbody tr')[1].querySelectorAll('td')[2];
        return [heads, cell.innerText.split(/\\n+/), [...cell.querySelectorAll('small')].map(s => s.offsetHeight)]""")
    assert heads == ["Subject", "Analyte", "screening", "week 1", "month 1"]
    assert cell == ["6,000", "(4,000-9,000)", "× 0.50 (0.30-0.80)"]
    assert max(breaks) < 30
