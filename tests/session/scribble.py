"""A hand that changes a session at random, the same for the same seed; one row a step."""

import hashlib
import os
import random
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from viewer.domain.calibration import Calibration
from viewer.domain.chain import Chain, Step
from viewer.domain.geometry import Grid
from viewer.domain.measurement import KINDS, Measurement, Receipt, Review
from viewer.domain.quantity import LENGTH, PIXELS_ONLY, Quantity
from viewer.domain.segmentation import Origin, OriginKind, Segment, Segmentation
from viewer.imaging.rasterise import Block
from viewer.session.edits import (
    AddMeasurement,
    AddSegment,
    AddSegmentation,
    CopySegmentation,
    Edit,
    Group,
    PaintLabels,
    RemoveMeasurement,
    RemoveSegment,
    RemoveSegmentation,
    ReplaceMeasurement,
    ReplaceSegment,
    ReplaceSegmentation,
    SetCalibration,
    SetChain,
    paint,
)
from viewer.session.session import Session
from viewer.session.state import State

_FLUSH_EVERY = 6  # steps; those that are not followed by a flush are on the disk a second later
GRID = Grid.from_axes((6, 8, 10), spacing_ijk_mm=(0.7, 0.7, 2.5))


def a_measurement(uid: str = "2.25.1", length_mm: float = 12.3, label: str = "D1") -> Measurement:
    """Return a distance along x."""
    return Measurement(
        uid,
        "distance",
        label,
        ((0.0, 0.0, 0.0), (length_mm, 0.0, 0.0)),
        "1.2.3.9",
        "1.2.3.4",
        (Quantity(LENGTH, length_mm, "mm"),),
        Receipt("1.2.3.4", ("1.2.3.4.1",), None, "stored", PIXELS_ONLY, "two points"),
    )


def a_layer(
    uid: str = "2.25.7", *, kind: OriginKind = OriginKind.HAND, seed: int = 1
) -> Segmentation:
    """Return a segmentation with the segments 1 and 2 in random voxels."""
    labels = np.random.default_rng(seed).integers(0, 3, GRID.shape_kji).astype(np.uint8)
    segments = (Segment(1, "Lesion 1", (255, 0, 0)), Segment(2, "Lesion 2", (0, 255, 0)))
    origin = Origin(kind, "lesions" if kind is OriginKind.NETWORK else "", "1")
    return Segmentation(uid, f"Layer {uid[-3:]}", "1.2.3.4", GRID, labels, segments, origin)


def fingerprint(state: State) -> tuple[object, ...]:
    """Return a value that differs when anything undoable differs, down to a voxel."""
    labels = tuple(hashlib.sha1(s.labels.tobytes()).hexdigest() for s in state.segmentations)  # noqa: S324
    return state.measurements, state.segmentations, state.chains, state.calibrations, labels


class Scribbler:
    """Takes random steps; each is exactly one edit, undo, redo, or opening."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session = session
        self._random = random.Random(seed)  # noqa: S311 - nothing to be kept secret
        self._n_steps = 0

    def step(self) -> None:
        """Do one thing."""
        self._n_steps += 1
        what = self._random.random()
        if what < 0.15 and self.session.can_undo:
            self.session.undo()
        elif what < 0.25 and self.session.can_redo:
            self.session.redo()
        elif what < 0.28:
            self.session.open_paths((f"/studies/{self._n_steps}",))
        else:
            key = self._random.choice(("", "", "drag"))
            self.session.apply(self._edit(), merge_key=key)

    def _uid(self) -> str:
        return f"2.25.{self._random.getrandbits(100)}"

    def _edit(self) -> Edit:
        makers = [self._new_measurement, self._new_layer, self._chain, self._calibration]
        if self.session.state.measurements:
            makers += [self._changed_measurement, self._changed_measurement, self._gone_measurement]
        if self.session.state.segmentations:
            makers += [self._paint] * 5 + [self._layer_change] * 3
        return self._random.choice(makers)()

    def _new_measurement(self) -> Edit:
        made = a_measurement(self._uid(), self._random.uniform(1, 80))
        kind = KINDS[self._random.choice(sorted(KINDS))]
        n = kind.n_points + (self._random.randrange(9) if kind.is_open_ended else 0)
        points = tuple((self._random.uniform(-9, 9), float(at), 0.0) for at in range(n))
        return AddMeasurement(replace(made, kind=kind.key, points_lps_mm=points))

    def _calibration(self) -> Edit:
        uid = self._random.choice(("1.2.9", "1.2.10"))
        length = self._random.uniform(-5, 50)
        found = Calibration.of(uid, 10.0, length) if length > 0 else None
        return SetCalibration("1.2.3.4", uid, found)

    def _changed_measurement(self) -> Edit:
        old = self._random.choice(self.session.state.measurements)
        review = self._random.choice(list(Review))
        label = f"M{self._random.randrange(99)}"
        return ReplaceMeasurement(replace(old, review=review, label=label))

    def _gone_measurement(self) -> Edit:
        return RemoveMeasurement(self._random.choice(self.session.state.measurements).uid)

    def _chain(self) -> Edit:
        steps = tuple(
            Step.of("gaussian", {"sigma_mm": self._random.uniform(0, 3)})
            for _ in range(self._random.randrange(3))
        )
        return SetChain(self._random.choice(("1.2.3.4", "1.2.3.5")), Chain(steps))

    def _new_layer(self) -> Edit:
        kind = self._random.choice((OriginKind.HAND, OriginKind.NETWORK))
        layer = a_layer(self._uid(), kind=kind, seed=self._random.getrandbits(30))
        return AddSegmentation.of(layer)

    def _hand_made(self) -> Segmentation | None:
        layers = [s for s in self.session.state.segmentations if not s.is_immutable and s.segments]
        return self._random.choice(layers) if layers else None

    def _paint(self) -> Edit:
        layer = self._hand_made()
        if layer is None:
            return self._new_layer()
        edits = [self._stroke(layer)]
        if self._random.random() < 0.2:
            return Group((*edits, self._new_measurement()), "both")
        return edits[0]

    def _stroke(self, layer: Segmentation) -> Edit:
        number = self._random.choice(layer.segments).number
        shape = [self._random.randint(1, n) for n in GRID.shape_kji]
        k, j, i = (
            self._random.randint(0, n - m) for n, m in zip(GRID.shape_kji, shape, strict=True)
        )
        block = Block((k, j, i), np.ones(shape, dtype=bool))
        erase = self._random.random() < 0.4
        edit: PaintLabels | None = paint(layer, block, number, erase=erase, name="paint")
        return edit or self._chain()

    def _layer_change(self) -> Edit:
        layer = self._random.choice(self.session.state.segmentations)
        what = self._random.randrange(6)
        if what == 0:
            return RemoveSegmentation(layer.uid)
        if what == 1:
            return CopySegmentation(layer.uid, self._uid(), f"{layer.name}, edited")
        if what == 2 or not layer.segments:
            return ReplaceSegmentation(layer.uid, f"Layer {self._n_steps}")
        segment = self._random.choice(layer.segments)
        if what == 3 or layer.is_immutable:
            opacity = self._random.random()
            return ReplaceSegment(layer.uid, replace(segment, opacity=opacity))
        if what == 4:
            return RemoveSegment(layer.uid, segment.number)
        number = max(s.number for s in layer.segments) + 1
        return AddSegment(layer.uid, Segment(number, f"Lesion {number}", (1, 2, 3)))


def scribble(folder: Path, seed: int) -> None:
    """Change a new session in ``folder`` until killed; write what is acknowledged to a file."""
    from viewer.session.journal import Journal

    journal = Journal.create(folder)
    journal.snapshot_every = 20
    hand = Scribbler(Session(journal), seed)
    out = os.open(folder / "acknowledged", os.O_WRONLY | os.O_CREAT)
    pause = threading.Event()
    for number in range(1, 10**9):
        hand.step()
        os.write(out, f"step {number} {time.monotonic()}\n".encode())
        if number % _FLUSH_EVERY == 0 and journal.flush():
            os.write(out, f"flushed {number} {time.monotonic()}\n".encode())
            if number == _FLUSH_EVERY:
                print("begun", flush=True)  # noqa: T201 - heard by whoever kills
        pause.wait(0.002)


def serve() -> None:
    """Fork a scribbler for each line "seed folder" on stdin, and print its process number."""
    for line in sys.stdin:
        seed, folder = line.rstrip("\n").split(" ", 1)
        child = os.fork()
        if child == 0:
            scribble(Path(folder), int(seed))
            os._exit(1)
        print(child, flush=True)  # noqa: T201 - the answer
        os.waitpid(child, 0)
        print("ended", flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    import viewer.session.journal
    import viewer.session.serialise  # imported before the fork, once for all children

    warm = Scribbler(Session(), 1)
    for _ in range(40):
        warm.step()
    viewer.session.serialise.encode(warm.session.state.measurements)
    viewer.session.serialise.encode(Chain())
    serve()
