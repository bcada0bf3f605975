"""A segmentation as something to learn from."""

from dataclasses import replace

import numpy as np

from viewer.domain.measurement import Review
from viewer.domain.segmentation import Segmentation


def for_training(layer: Segmentation) -> Segmentation:
    """Return the layer without its rejected segments; their voxels become background."""
    kept = tuple(one for one in layer.segments if one.review is not Review.REJECTED)
    numbers = np.array([one.number for one in kept], dtype=np.uint8)
    labels = np.where(np.isin(layer.labels, numbers), layer.labels, 0).astype(np.uint8)
    return replace(layer, labels=labels, segments=kept)
