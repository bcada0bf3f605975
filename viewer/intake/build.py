"""From the frames of a series to the pictures that can be opened."""

from collections.abc import Sequence

import numpy as np

from viewer.domain.finding import Finding, Severity
from viewer.domain.quantity import PIXELS_ONLY
from viewer.intake import tags
from viewer.intake.colours import palette_of
from viewer.intake.frames import Frame
from viewer.intake.identity import identity_of
from viewer.intake.placing import grid_of, uneven_places
from viewer.intake.sort import Part, sorted_parts
from viewer.intake.source import DicomPixels, FrameAddress, PictureSource
from viewer.intake.spacing import flat_orientation, flat_regions, flat_spacing
from viewer.intake.superposed import hides_overlay_in_pixels
from viewer.intake.values import display_of, modality_table, value_map


def pictures_of(series_uid: str, frames: Sequence[Frame]) -> tuple[PictureSource, ...]:
    """Return the pictures of one series, the largest first; the first bears the series' UID."""
    parts = sorted_parts(frames)
    return tuple(
        _picture(f"{series_uid}#{number}" if number > 1 else series_uid, series_uid, part, parts)
        for number, part in enumerate(parts, start=1)
    )


def _picture(key: str, series_uid: str, part: Part, parts: Sequence[Part]) -> PictureSource:
    frames, header, layout = part.frames, part.frames[0].header, part.frames[0].file.layout
    subject = _title(part)
    quantity, told = value_map(frames, subject)
    grid, findings = grid_of(frames, subject)
    findings += told
    spacing, orientation = PIXELS_ONLY, None
    if grid is None:
        spacing, notes = flat_spacing(frames[0], subject)
        orientation = flat_orientation(frames)
        findings += notes
    table = modality_table(header, signed=layout.signed)
    return PictureSource(
        key=key,
        identity=identity_of(frames, series_uid, quantity.name if quantity.name != "HU" else ""),
        grid=grid,
        shape_kji=(len(frames), layout.rows, layout.columns),
        n_files=len({frame.file.shown for frame in frames}),
        title=subject,
        findings=(
            *findings,
            *_split_findings(part, parts, subject),
            *_frame_findings(part, subject),
        ),
        quantity=quantity,
        display=display_of(frames, quantity),
        dtype=_dtype(part, has_table=table is not None),
        is_colour=layout.is_colour,
        pixels=DicomPixels(
            tuple(FrameAddress(frame.file, frame.number - 1) for frame in frames),
            table,
            palette_of(header) if layout.photometric == "PALETTE COLOR" else None,
        ),
        spacing=spacing,
        orientation=orientation,
        regions_k=() if grid is not None else flat_regions(frames),
        label=part.label,
        places=None if grid is not None or layout.is_colour else uneven_places(frames),
    )


def _dtype(part: Part, *, has_table: bool) -> np.dtype[np.generic]:
    layout = part.frames[0].file.layout
    if layout.is_colour:
        return np.dtype(np.uint8)
    return np.dtype(np.uint16) if has_table else layout.sample_type


def _title(part: Part) -> str:
    header = part.frames[0].header
    number = header.whole(tags.SERIES_NUMBER)
    name = header.text(tags.SERIES_DESCRIPTION) or header.text(tags.BODY_PART_EXAMINED)
    if not name:
        name = "Series" if number is None else f"Series {number}"
    modality = header.text(tags.MODALITY)
    title = name if not modality or modality in name.split() else f"{modality} {name}"
    return f"{title} ({part.label})" if part.label else title


def _split_findings(part: Part, parts: Sequence[Part], subject: str) -> tuple[Finding, ...]:
    if len(parts) < 2 or not part.reason:
        return ()
    text = f"One of {len(parts)} parts of its series, told apart by {part.reason}."
    return (Finding(Severity.NOTE, subject, text),)


def _frame_findings(part: Part, subject: str) -> tuple[Finding, ...]:
    found = []
    if any(frame.is_mosaic for frame in part.frames):
        text = "Each image is a mosaic sheet of many slices; it is shown as a sheet."
        found.append(Finding(Severity.WARNING, subject, text))
    if part.frames[0].header.text(tags.MODALITY) == "SM" and len(part.frames) > 1:
        text = "The images are tiles of a slide; they are shown one after the other."
        found.append(Finding(Severity.WARNING, subject, text))
    if any(hides_overlay_in_pixels(frame) for frame in part.frames):
        text = "An overlay lies in unused bits of the pixels; it is not shown."
        found.append(Finding(Severity.WARNING, subject, text))
    lost = sum(file.n_lost for file in {id(f.file): f.file for f in part.frames}.values())
    if lost:
        text = f"The file is cut off: {lost} of its last frames are missing."
        found.append(Finding(Severity.WARNING, subject, text, "Copy the file again."))
    return tuple(found)
