"""Of every figure that a test of this folder makes nothing is cut off at the edge of its canvas."""

import pytest

MOST = 3  # figures of a test; property tests make many
ROOM = 0.03  # inches


@pytest.fixture(autouse=True)
def nothing_is_cut_off(monkeypatch):
    from matplotlib.figure import Figure

    figures = []
    plain = Figure.__init__

    def noted(self, *args, **kwargs):
        plain(self, *args, **kwargs)
        figures.append(self)

    monkeypatch.setattr(Figure, "__init__", noted)
    yield
    for figure in [figure for figure in figures if figure.axes][:MOST]:
        figure.draw_without_rendering()
        box, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert -ROOM <= box.x0 and box.x1 <= width + ROOM and -ROOM <= box.y0 and box.y1 <= height + ROOM
