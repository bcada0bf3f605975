"""Labels of one flat picture as a PNG of the same size: grey value = number of the segment."""

from pathlib import Path

import cv2
import numpy as np

from viewer.domain.segmentation import Segmentation
from viewer.errors import InputRefused
from viewer.exchange.atomic import Saved, not_equal, save_bytes


def write_labels_png(segmentation: Segmentation, path: Path, *, force: bool = False) -> Saved:
    """Save the labels (1, rows, columns) as an 8-bit grey PNG, decoded again before it is saved.

    Raises
    ------
    InputRefused
        There is more than one slice.
    Conflict, OutOfResources, ViewerError
        As ``atomic.save`` does; nothing was saved.
    """
    path = Path(path)
    if segmentation.labels.shape[0] != 1:
        raise InputRefused("Only labels of one picture fit into a PNG.", where=path.name)
    labels = np.ascontiguousarray(segmentation.labels[0], dtype=np.uint8)
    done, data = cv2.imencode(".png", labels)
    if not done:
        raise InputRefused("The labels cannot be written as a PNG.", where=path.name)

    def check(written: Path) -> tuple[str, ...]:
        again = cv2.imdecode(
            np.frombuffer(written.read_bytes(), dtype=np.uint8), cv2.IMREAD_UNCHANGED
        )
        if again is None or not np.array_equal(again, labels):
            raise not_equal(path, "a label differs")
        return (f"{labels.shape[1]} x {labels.shape[0]} labels read back equal",)

    return save_bytes(path, data.tobytes(), check, force=force)
