"""What a presentation state asks of the images that it names (PS3.3 A.33)."""

from dataclasses import dataclass
from typing import Literal

from viewer.domain.graphics import Overlay, Shutter
from viewer.domain.volume import VoiTable, Window

References = frozenset[tuple[str, int]]
"""Images as (SOP instance UID, frame number; 0: all frames)."""


def refers_to(references: References, uid: str, frame: int) -> bool:
    """Return whether ``references`` name frame ``frame`` (from 1) of an image."""
    return (uid, 0) in references or (uid, frame) in references


@dataclass(frozen=True, slots=True)
class StateWindow:
    """A window or a VOI table for some images; empty ``references`` mean all of the state's."""

    references: References
    window: Window


@dataclass(frozen=True, slots=True)
class DisplayedArea:
    """The part of some images to fill the pane with: left, top, right, bottom in pixel centres."""

    references: References
    edges: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Graphic:
    """One annotation of a state.

    ``points`` are (column, row) with integers at pixel centres if ``units`` is "image", and shares
    of the displayed area (0 to 1) if "display". A text has one point, its anchor. Circles have
    centre and a point on the rim, ellipses the ends of the major, then of the minor axis.
    """

    references: References
    kind: Literal["point", "polyline", "interpolated", "circle", "ellipse", "text"]
    points: tuple[tuple[float, float], ...]
    units: Literal["image", "display"] = "image"
    text: str = ""
    filled: bool = False


@dataclass(frozen=True, slots=True)
class PresentationState:
    """A saved way to show images.

    ``modality`` replaces the images' own step from stored values, if the state has one; ``greys``
    is a table of the presentation LUT on 0..65535, ``inverted`` its shape INVERSE. ``rotation_deg``
    turns clockwise, after ``flipped`` has mirrored left and right.
    """

    uid: str
    label: str
    description: str
    references: References
    windows: tuple[StateWindow, ...] = ()
    modality: VoiTable | None = None
    rescale: tuple[float, float] | None = None
    greys: VoiTable | None = None
    inverted: bool = False
    rotation_deg: int = 0
    flipped: bool = False
    areas: tuple[DisplayedArea, ...] = ()
    shutter: Shutter | None = None
    overlays: tuple[Overlay, ...] = ()
    graphics: tuple[Graphic, ...] = ()
    notes: tuple[str, ...] = ()

    def window_of(self, uid: str, frame: int) -> Window | None:
        """Return the state's window of an image, None if it leaves the image's own."""
        for one in self.windows:
            if not one.references or refers_to(one.references, uid, frame):
                return one.window
        return None
