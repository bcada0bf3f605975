"""Which slices are images of a pane, in which order, and what is to be said of each."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from viewer.domain.finding import Finding
from viewer.domain.geometry import Plane
from viewer.domain.volume import Picture
from viewer.rendering.strip import Span, Strip
from viewer.session.layers import layer_axis
from viewer.session.viewing import next_sign

_MOST_RUNS = 64
_SLICE_AXIS = 2
_MOST_FILES = 12


def strip_of(picture: Picture, plane: Plane, pane: str, image: tuple[int, int]) -> Strip | None:
    """Return the strip of a pane at image ``image[0]`` of ``image[1]`` (from 1); None for one."""
    number, count = image
    if count < 2:
        return None
    place = (number - 1) / (count - 1)
    order = slice_places(picture, plane, pane)
    if order is None:
        return Strip(place)
    ticks = tuple(
        (float(order[k]), finding.severity)
        for finding in picture.findings
        for k in finding.images
        if k < len(order)
    )
    return Strip(place, ticks, tuple(_unread(picture, order)))


def slice_places(picture: Picture, plane: Plane, pane: str) -> NDArray[np.float64] | None:
    """Return the place (0 first, 1 last) of each slice k among a pane's images.

    None where the pane cuts across the slices.
    """
    found = layer_axis(picture.grid, plane)
    n_k = picture.grid.shape_kji[0]
    if found is None or found[0] != _SLICE_AXIS or n_k < 2:
        return None
    places = np.linspace(0.0, 1.0, n_k)
    return places if found[1] * next_sign(picture.grid, plane, pane) > 0 else places[::-1]


def _unread(picture: Picture, order: NDArray[np.float64]) -> Iterator[tuple[float, float]]:
    """Yield the stretches that were not read yet."""
    if picture.is_loaded:
        return
    missing = np.concatenate(([False], ~picture.loaded_k, [False]))
    edges = np.flatnonzero(np.diff(missing.astype(np.int8)))
    for first, end in list(zip(edges[::2], edges[1::2], strict=True))[:_MOST_RUNS]:
        low, high = sorted((float(order[first]), float(order[end - 1])))
        yield low, high


def said_at(picture: Picture, plane: Plane, pane: str, row_px: float) -> str:
    """Return what the ticks near a row of the strip stand for, files named; "" without any."""
    order = slice_places(picture, plane, pane)
    if order is None:
        return ""
    span = Span.of(plane.size_px[1])
    lines = []
    for finding in picture.findings:
        near = [k for k in finding.images if k < len(order) and span.is_near(order[k], row_px)]
        if near:
            lines += [finding.text, *files_of(picture, near)]
    return "\n".join(lines)


def files_of(picture: Picture, images: "list[int] | tuple[int, ...]") -> list[str]:
    """Return "image 12: name of its file" for slices k (from 0), the first dozen of them."""
    instances = picture.identity.instances
    found = []
    for k in images[:_MOST_FILES]:
        name = Path(instances[k].path).name if k < len(instances) else ""
        found.append(f"image {k + 1}: {name}" if name else f"image {k + 1}")
    if len(images) > _MOST_FILES:
        found.append(f"and {len(images) - _MOST_FILES} more")
    return found


def findings_text(picture: Picture) -> str:
    """Return everything that was found about a picture, a paragraph each, with images and files."""
    return "\n\n".join(_paragraph(picture, finding) for finding in picture.findings)


def _paragraph(picture: Picture, finding: Finding) -> str:
    head = f"{finding.severity.value}: {finding.text}"
    lines = [head, finding.remedy] if finding.remedy else [head]
    return "\n".join([*lines, *(f"    {line}" for line in files_of(picture, finding.images))])
