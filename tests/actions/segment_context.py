"""A context without a window that shows a small built volume with one segment of two pieces."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.actions.context import Context
from viewer.actions.registry import perform
from viewer.command_line.host import CommandDoor, command_context
from viewer.domain.segmentation import Segment, Segmentation
from viewer.domain.volume import Volume
from viewer.jobs.runner import QueueBridge, Runner
from viewer.session.edits import AddSegmentation
from viewer.testing.builders import a_segmentation, a_volume

SHAPE = (10, 24, 28)
SPACING_IJK_MM = (1.0, 1.0, 2.5)


def two_pieces() -> NDArray[np.bool_]:
    """Return a box of 4 x 8 x 8 voxels with a cavity, and a speck of 2."""
    mask = np.zeros(SHAPE, dtype=bool)
    mask[3:7, 4:12, 4:12] = True
    mask[5, 8, 8] = False
    mask[4, 18, 20:22] = True
    return mask


@contextmanager
def a_context(mask: NDArray[np.bool_] | None = None) -> Iterator[Context]:
    """Yield the context; segment 1 is active, segment 2 is a slab beside it."""
    volume: Volume = a_volume(SHAPE, spacing_ijk_mm=SPACING_IJK_MM).with_ramp((10, 0, 0)).build()
    with command_context() as context:
        context.pictures.loaded[volume.key] = volume
        context.viewing.show(volume)
        layer = a_segmentation(volume, two_pieces() if mask is None else mask)
        labels = layer.labels.copy()
        labels[3:7, 4:12, 14:16][labels[3:7, 4:12, 14:16] == 0] = 2
        segments = (*layer.segments, Segment(2, "Neighbour", (1, 2, 3)))
        layer = replace(layer, labels=labels, segments=segments)
        context.session.apply(AddSegmentation.of(layer))
        context.viewing.set(segmentation_uid=layer.uid, segment_number=1)
        yield context


def run(context: Context, id_: str, /, **parameters: Any) -> str:
    """Perform an action whose work is a job, wait for it, and return what was told last."""
    bridge = QueueBridge()
    context.jobs.close()
    context.jobs = Runner(bridge.post)
    perform(context, id_, **parameters)
    while context.jobs.active:
        assert bridge.pump(30.0)
    return told(context)


def told(context: Context) -> str:
    """Return the last notice."""
    assert isinstance(context.door, CommandDoor)
    return context.door.notices[-1].text if context.door.notices else ""


def layer_of(context: Context) -> Segmentation:
    """Return the active segmentation as it is now."""
    found = context.segmentation
    assert found is not None
    return found
