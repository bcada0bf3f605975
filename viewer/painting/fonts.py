"""The program's typeface: Inter, shipped in ``resources/fonts``, with figures of one width."""

from functools import lru_cache

from PySide6.QtGui import QFont, QFontDatabase, QGuiApplication

from viewer.errors import ViewerError
from viewer.resources import resource

FAMILY = "Inter"
_FILES = ("Inter-Regular.otf", "Inter-Medium.otf", "Inter-SemiBold.otf")


@lru_cache(maxsize=1)
def load_fonts() -> str:
    """Make Inter known to Qt, once, and return its family's name.

    Raises
    ------
    ViewerError
        There is no QGuiApplication yet (text without one ends the process), or a font file is
        missing or damaged.
    """
    if QGuiApplication.instance() is None:
        raise ViewerError(
            "Texts cannot be drawn before the application exists.",
            remedy="Make a QGuiApplication first.",
        )
    for name in _FILES:
        if QFontDatabase.addApplicationFont(str(resource("fonts", name))) < 0:
            raise ViewerError("A font file is damaged.", where=name, remedy="Install again.")
    return FAMILY


def font(size_px: float, *, bold: bool = False, medium: bool = False) -> QFont:
    """Return Inter at ``size_px`` with tabular figures; ``bold`` is semi-bold (600)."""
    made = QFont(load_fonts())
    made.setPixelSize(max(round(size_px), 1))
    weight = QFont.Weight.DemiBold if bold else QFont.Weight.Medium if medium else None
    made.setWeight(weight or QFont.Weight.Normal)
    made.setFeature(QFont.Tag("tnum"), 1)
    return made
