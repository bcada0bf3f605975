"""``negatoscope render``: one plane of a study as PNG, through the window's own path."""

import argparse
from typing import Any

import numpy as np

from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.geometry import acquired_plane, fitted_plane
from viewer.domain.volume import Picture, Window
from viewer.errors import InputRefused
from viewer.exchange.picture import write_png
from viewer.painting.offscreen import painted_png
from viewer.rendering.corners import CornerMode
from viewer.session.layers import depth_range_mm, slice_step_mm, snapped
from viewer.session.presentation import Presenter
from viewer.session.session import Session
from viewer.session.viewing import Viewing, position_of


def render(chosen: argparse.Namespace) -> dict[str, Any]:
    """Write the picture; return what it shows."""
    if not 16 <= chosen.size <= 8192:
        raise InputRefused("The size must lie between 16 and 8192 pixels.")
    found = scanned(chosen.paths)
    picture = read_picture(chosen_source(found, chosen.series), chosen.every)
    name = chosen.plane if picture.is_volume else "acquired"
    if name != chosen.plane:
        raise InputRefused("These images do not form a volume.", remedy="Use --plane acquired.")
    viewing = looking(picture, name, chosen.index, chosen.size)
    if chosen.window is not None:
        viewing.set_window(picture, Window(*chosen.window))
    viewing.set(crosshair_shown=False, corners=CornerMode.NO_PATIENT)
    shown = Presenter(Session(), viewing, {}).present(picture, name)
    size = (chosen.size, chosen.size)
    data = painted_png(shown.raster, shown.primitives, size)
    saved = write_png(data, chosen.out, force=chosen.force)
    number, count = position_of(picture.grid, viewing.look.planes[name], name)
    return {
        "out": str(saved.path),
        "series": picture.identity.series.uid,
        "plane": name,
        "image": number,
        "of": count,
        "centre_lps_mm": viewing.look.planes[name].centre_lps_mm.tolist(),
    }


def looking(picture: Picture, name: str, index: int | None, size: int) -> Viewing:
    """Return the look at one plane: image ``index`` counted from 0 along the plane's normal."""
    viewing = Viewing()
    viewing.resize_pane(name, (size, size))
    if name == "acquired":
        middle = picture.grid.shape_kji[0] // 2
        k = middle if index is None else index
        _check(k, picture.grid.shape_kji[0])
        plane = acquired_plane(picture.grid, (size, size), k)
    else:
        plane = fitted_plane(picture.grid, name, (size, size), margin=1.06)  # type: ignore[arg-type]
        low, high = depth_range_mm(picture.grid, plane)
        step = slice_step_mm(picture.grid, plane)
        count = int(np.floor((high - low) / step + 1e-6)) + 1
        if index is not None:
            _check(index, count)
            plane = plane.moved(low + index * step)
        plane = snapped(picture.grid, plane)
    viewing.set(picture_key=picture.key, planes={name: plane}, active_pane=name)
    return viewing


def _check(index: int, count: int) -> None:
    if not 0 <= index < count:
        raise InputRefused(f"There is no image {index}.", remedy=f"Choose 0 to {count - 1}.")
