"""``negatoscope classify --explain``: what an answer rests on, as files."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.domain.geometry import Grid
from viewer.errors import Conflict, InputRefused
from viewer.exchange.nifti import write_map_nifti
from viewer.exchange.picture import write_png
from viewer.inference.explanation_methods import NOT_A_SEGMENTATION, method_called
from viewer.inference.explanations import Explanation, explain_image
from viewer.inference.image_jobs import GreyImage, ImageResult
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket
from viewer.rendering.compose import Layer
from viewer.session.value_overlay import coloured, signed_levels

_MOST_EXPLAINED = 200
_SMALLEST_PX, _STRIP_PX, _OPACITY = 448, 28, 0.6


def folder_for(out: Path | None, *, force: bool) -> Path:
    """Return the folder that explanations go to.

    Raises
    ------
    InputRefused
        None was named.
    Conflict
        There is something in it, and ``force`` is not given.
    """
    if out is None:
        raise InputRefused("An explanation is written as files.", remedy="Say where: --out DIR.")
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not force:
        raise Conflict("The folder is not empty.", where=str(out), remedy="Add --force.")
    return out


def explained(
    supervisor: Supervisor,
    images: list[GreyImage],
    results: tuple[ImageResult, ...],
    card: NetworkCard,
    asked: tuple[str, str, Path],
    ticket: Ticket,
) -> list[dict[str, Any]]:
    """Write a PNG and a NIfTI map of each picture; return what the report says of them.

    ``asked``: the method, the class ("": the most probable one), and the folder.
    """
    key, class_name, out = asked
    method = method_called(key)
    if len(images) > _MOST_EXPLAINED:
        raise InputRefused(
            f"These are {len(images)} pictures; {_MOST_EXPLAINED} are explained at a time.",
            remedy="Give fewer.",
        )
    out.mkdir(parents=True, exist_ok=True)
    records = []
    for n, (image, result) in enumerate(zip(images, results, strict=True)):
        name = class_name or result.scores.best.name
        found = explain_image(supervisor, image, card, method, name, ticket)
        stem = f"{n:04d}_{key}_{name.replace(' ', '_')}"
        write_png(_picture(image.grey, found), out / f"{stem}.png", force=True)
        map_path = write_map_nifti(
            np.nan_to_num(found.values)[None], _grid(image.grey), out / f"{stem}.nii.gz",
            NOT_A_SEGMENTATION, force=True,
        ).path  # fmt: skip
        records.append(
            {
                "method": key,
                "source": method.source,
                "class": name,
                "what": NOT_A_SEGMENTATION,
                "strongest": round(found.strongest, 6),
                "files": [f"{stem}.png", map_path.name],
                "notes": list(found.notes),
            }
        )
    return records


def _grid(grey: NDArray[np.float32]) -> Grid:
    """Return the pixels as they are: 1 stands for a pixel, not for a millimetre."""
    rows, columns = grey.shape
    return Grid.from_axes(
        (1, rows, columns), origin_lps_mm=(0.0, 0.0, 0.0), spacing_ijk_mm=(1.0, 1.0, 1.0)
    )


def _picture(grey: NDArray[np.float32], found: Explanation) -> bytes:
    """Return the coloured picture as PNG, with a strip below that says what it is."""
    levels = np.rint(np.clip(grey, 0, 1) * 255)[..., None]
    layer: Layer = coloured("explanation", signed_levels(found.values), _OPACITY)
    rgba = layer.colours[layer.labels]
    mixed = levels * (1 - rgba[..., 3:]) + rgba[..., :3] * rgba[..., 3:]
    pixels = np.rint(mixed).astype(np.uint8)
    times = max(1, -(-_SMALLEST_PX // min(grey.shape)))
    pixels = np.repeat(np.repeat(pixels, times, axis=0), times, axis=1)
    strip = np.zeros((_STRIP_PX, pixels.shape[1], 3), dtype=np.uint8)
    text = f"{NOT_A_SEGMENTATION.upper()}: {found.method.title}, {found.class_name}"
    size = min(0.5, pixels.shape[1] / (11.5 * max(len(text), 1)) * 0.55)
    face = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(strip, text, (6, 19), face, size, (230, 159, 0), 1, cv2.LINE_AA)
    whole = np.concatenate((pixels, strip))
    _, data = cv2.imencode(".png", np.ascontiguousarray(whole[..., ::-1]))
    return bytes(data.tobytes())
