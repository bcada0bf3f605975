"""A live wire on what a pane shows: from one pixel of the plane to another, along edges."""

import numpy as np

from viewer.domain.geometry import Floats, Plane
from viewer.domain.volume import Picture
from viewer.errors import InputRefused
from viewer.imaging.livewire import LiveWire
from viewer.imaging.section import quantity_of, section
from viewer.rendering.primitives import Point


class Wire:
    """A live wire in the pixels of ``plane``; the picture's own values are followed.

    Raises
    ------
    InputRefused
        The plane shows colour, or nothing of the picture.
    """

    def __init__(self, picture: Picture, plane: Plane) -> None:
        if picture.is_colour:
            raise InputRefused("A live wire follows grey values; this picture has colours.")
        cut = section(picture, plane)
        self._to_plane = cut.to_plane
        self._to_cut = np.linalg.inv(cut.to_plane[:, :2])
        self._wire = LiveWire(quantity_of(cut, picture))

    def start(self, xy: Point) -> None:
        """Begin at a pixel of the plane."""
        self._wire.start(*self._row_column(xy))

    def path_to(self, xy: Point) -> Floats:
        """Return the way (n, 2) from the start to here: centres of voxels, in the plane's pixels."""
        found = self._wire.path_to(*self._row_column(xy))[:, ::-1]
        return np.asarray(found @ self._to_plane[:, :2].T + self._to_plane[:, 2])

    def _row_column(self, xy: Point) -> tuple[float, float]:
        column, row = self._to_cut @ (np.array(xy) - self._to_plane[:, 2])
        return float(row), float(column)
