"""The enhancement in the window: panel, comparison, marks, and a filter that fails."""

from dataclasses import replace
from typing import Any

import numpy as np

from viewer.actions.enhance import chain_of
from viewer.actions.registry import perform
from viewer.domain.methods import Filter
from viewer.rendering.primitives import Text
from viewer.window.driving import settle, wait_until
from viewer.window.filter_page import filter_page
from viewer.window.panels.histogram import HistogramView
from viewer.window.start import Program


def _texts(program: Program, pane: str = "axial") -> list[str]:
    presented = program.window.grid.slices[pane].presented
    assert presented is not None
    return [part.text for part in presented.primitives if isinstance(part, Text)]


def _calm(program: Program) -> None:
    settle()
    wait_until(lambda: not program.window.live.enhancer.is_busy, 60, "the enhancement")
    program.window.refresh_now()
    settle()


def test_the_window_enhances_compares_and_says_so(reading: Program) -> None:
    context, window = reading.context, reading.window
    perform(context, "view.enlarge", pane="axial")
    perform(context, "enhance.add", filter="gaussian")
    _calm(reading)
    assert any(text == "ENHANCED  Gaussian" for text in _texts(reading))
    histogram = window.enhance.findChild(HistogramView)
    assert histogram is not None
    assert histogram.histogram is not None

    perform(context, "enhance.side")
    _calm(reading)
    twin = window.grid.twin
    assert twin.isVisible()
    assert twin.presented is not None
    assert abs(twin.width() - window.grid.slices["axial"].width()) <= 2
    words = [part.text for part in twin.presented.primitives if isinstance(part, Text)]
    assert "ORIGINAL" in words
    assert not any("ENHANCED" in word for word in words)

    perform(context, "enhance.difference")
    _calm(reading)
    assert not twin.isVisible()
    assert any("DIFFERENCE" in text and "HU" in text for text in _texts(reading))

    perform(context, "enhance.flicker")
    wait_until(lambda: context.viewing.look.original, 10, "the flicker")
    perform(context, "enhance.flicker")
    settle()
    assert not context.viewing.look.original


def test_a_filter_that_fails_is_switched_off_and_the_picture_stays(reading: Program) -> None:
    context = reading.context
    perform(context, "view.enlarge", pane="axial")
    _calm(reading)
    pane = reading.window.grid.slices["axial"]
    assert pane.presented is not None
    n_greys = len(np.unique(pane.presented.raster.rgb32))
    assert n_greys > 50

    def fail(_values: Any, _parameters: Any, _context: Any) -> Any:
        raise ZeroDivisionError

    filters: dict[str, Filter] = dict(context.extensions.filters)
    filters["clahe"] = replace(filters["clahe"], function=fail)
    reading.window.live.enhancer.use(filters)
    perform(context, "enhance.add", filter="clahe")
    wait_until(lambda: not chain_of(context).is_active, 30, "switching off")
    _calm(reading)
    assert pane.presented is not None
    assert pane.presented.enhanced is None
    # The notice takes some height of the pane; the picture in it is the same one.
    assert abs(len(np.unique(pane.presented.raster.rgb32)) - n_greys) < 0.2 * n_greys
    assert not any("ENHANCED" in text for text in _texts(reading))
    assert any("ZeroDivisionError" in notice.text for notice in reading.door.notices)


def test_a_filter_that_needs_more_than_a_plane_stays_on_for_a_series(reading: Program) -> None:
    context = reading.context
    perform(context, "view.enlarge", pane="axial")
    perform(context, "enhance.add", filter="temporal_mean")
    _calm(reading)
    wait_until(lambda: any("LEFT OUT" in text for text in _texts(reading)), 30, "the mark")
    assert chain_of(context).is_active
    reason = reading.window.live.reason(
        context.viewing.look.picture_key, chain_of(context).steps[0]
    )
    assert "several frames" in reason


def test_the_page_of_filters_is_made_from_the_descriptions(reading: Program) -> None:
    page = filter_page(reading.context)
    from PySide6.QtWidgets import QLabel

    words = "\n".join(part.text() for part in page.findChildren(QLabel))
    for found in reading.context.extensions.filters.values():
        assert found.caution in words
    page.deleteLater()
