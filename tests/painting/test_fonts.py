"""The typeface is there, and as wide as the layout believes."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QFontInfo, QFontMetricsF, QGuiApplication

from viewer.painting.fonts import font, load_fonts
from viewer.rendering.text_size import HEIGHT_EM, text_width
from viewer.resources import resource

KNOWN = [chr(c) for c in range(32, 127)] + list("·×²³–−±…°äöüßéèñσ")


def test_inter_is_loaded_and_used(qapp: QGuiApplication) -> None:
    assert load_fonts() == "Inter"
    assert QFontInfo(font(12)).family().startswith("Inter")
    assert QFontInfo(font(12)).exactMatch()


def test_the_licence_ships_with_the_fonts() -> None:
    assert "Open Font License" in resource("fonts", "LICENSE.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("bold", [False, True])
def test_figures_have_one_width(qapp: QGuiApplication, bold: bool) -> None:
    metrics = QFontMetricsF(font(110, bold=bold))
    widths = [metrics.horizontalAdvance(digit * 8) for digit in "0123456789"]
    assert max(widths) - min(widths) <= 1.5  # of 590; a proportional 1 would be 200 narrower


def test_semi_bold_is_heavier_than_regular(qapp: QGuiApplication) -> None:
    wide = QFontMetricsF(font(100, bold=True)).horizontalAdvance("Lesion")
    assert wide > QFontMetricsF(font(100)).horizontalAdvance("Lesion") * 1.01


@pytest.mark.parametrize("bold", [False, True])
def test_no_known_character_is_wider_than_its_class(qapp: QGuiApplication, bold: bool) -> None:
    metrics = QFontMetricsF(font(1000, bold=bold))
    wider = [c for c in KNOWN if metrics.horizontalAdvance(c) > text_width(c, 1000, bold=bold)]
    assert not wider


@given(
    text=st.text(st.sampled_from(KNOWN), max_size=40),
    size_px=st.sampled_from([9.0, 10.0, 11.0, 13.0]),
    bold=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_text_is_wider_or_higher_than_the_layout_believes(
    qapp: QGuiApplication, text: str, size_px: float, bold: bool
) -> None:
    metrics = QFontMetricsF(font(size_px * 16, bold=bold))
    assert metrics.horizontalAdvance(text) / 16 <= text_width(text, size_px, bold=bold) + 0.01
    assert metrics.height() / 16 <= HEIGHT_EM * size_px + 0.01


def test_the_estimate_wastes_little_on_ordinary_text(qapp: QGuiApplication) -> None:
    text = "412 HU at (31.2, −8.0, 14.5) mm Series 3 Thorax 1.0"
    real = QFontMetricsF(font(176)).horizontalAdvance(text) / 16
    assert text_width(text, 11.0) <= 1.05 * real
