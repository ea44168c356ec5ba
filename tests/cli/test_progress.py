from __future__ import annotations

import pytest

from tilseq.cli.progress import Progress


def test_without_a_terminal_a_line_a_minute_tells_how_far_a_command_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([0, 30, 61, 61, 100, 122, 122, 400])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    progress = Progress("jobs", "have ended", then="the report follows")
    for done in (0, 3, 4, 5):
        progress(done, 9)
    progress(9, 9)
    progress(9, 9)
    assert capsys.readouterr().err == "3 of 9 jobs have ended\n5 of 9 jobs have ended\nthe report follows\n"


def test_on_a_terminal_a_bar_tells_how_far_a_command_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    progress = Progress("subjects", "are written")
    progress(1, 4)
    progress(4, 4)
    bars = [f"\r[{'#' * 10}{'.' * 30}] 1/4 subjects", f"\r[{'#' * 40}] 4/4 subjects\n"]
    assert capsys.readouterr().err == "".join(bars)
