"""Mini-batches: patches around lesions, look-alikes and anywhere; views of lesions."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.inference.handover import mapped

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]

_AT_LESION, _AT_LOOK_ALIKE = 0.55, 0.3  # shares of patches; the rest lies anywhere
_JITTER = 0.3  # of the patch
_SHIFT = 1  # voxels of a view; a hand's or a network's outline has another middle
_DENSE, _AIRY_LOW, _AIRY_HIGH = 0.3, 0.08, 0.5  # grey, after normalisation


def as_grey(stored: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 0..1 of prepared samples, which are kept as bytes (6 HU a step in a lung window)."""
    return np.asarray(stored, dtype=np.float32) / np.float32(255)


class Batches(Protocol):
    """A source of mini-batches."""

    def draw(self) -> Batch:
        """Return inputs and targets, float32."""
        ...


class Patches:
    """Patches of prepared scans: grey (k, j, i; uint8) and lesion numbers (k, j, i; uint8)."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._random = np.random.default_rng(int(plan["seed"]))
        self._patch = np.array(plan["patch_kji"])
        self._batch = int(plan["batch"])
        self._greys = [mapped(one["grey"]) for one in plan["samples"]]
        self._labels = [mapped(one["labels"]) for one in plan["samples"]]
        self._lesions = [_per_lesion(np.asarray(labels)) for labels in self._labels]
        self._look_alikes = [
            _dense_in_lung(as_grey(grey), np.asarray(labels))
            for grey, labels in zip(self._greys, self._labels, strict=True)
        ]

    def draw(self) -> Batch:
        """Return (n, 1, k, j, i) grey and the mask of all lesions."""
        pairs = [self._one() for _ in range(self._batch)]
        grey, mask = (np.stack(parts)[:, None] for parts in zip(*pairs, strict=True))
        return np.ascontiguousarray(grey), np.ascontiguousarray(mask)

    def _one(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        at = int(self._random.integers(len(self._greys)))
        shape = np.array(self._greys[at].shape)
        start = np.clip(self._middle(at, shape) - self._patch // 2, 0, shape - self._patch)
        block = tuple(slice(int(a), int(a + n)) for a, n in zip(start, self._patch, strict=True))
        grey = as_grey(self._greys[at][block])
        mask = self.target_of(self._labels[at][block])
        flips = tuple(axis for axis in range(3) if self._random.random() < 0.5)
        grey, mask = np.flip(grey, flips), np.flip(mask, flips)
        if self._patch[1] == self._patch[2] and self._random.random() < 0.5:
            grey, mask = grey.swapaxes(1, 2), mask.swapaxes(1, 2)
        return self._varied(grey), mask

    def target_of(self, labels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return what is to be learnt of ``labels`` (k, j, i): lesion or not."""
        return np.asarray(labels > 0, dtype=np.float32)

    def _middle(self, at: int, shape: NDArray[np.int64]) -> NDArray[np.int64]:
        draw = self._random.random()
        jitter = (self._random.random(3) * 2 - 1) * _JITTER * self._patch
        lesions, look_alikes = self._lesions[at], self._look_alikes[at]
        if draw < _AT_LESION and lesions:
            voxels = lesions[int(self._random.integers(len(lesions)))]
        elif draw < _AT_LESION + _AT_LOOK_ALIKE and len(look_alikes):
            voxels = look_alikes
        else:
            return self._random.integers(0, shape)
        return np.asarray(voxels[int(self._random.integers(len(voxels)))] + jitter).astype(np.int64)

    def _varied(self, grey: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``grey`` under another contrast and with more noise, air and rim kept."""
        gain = self._random.normal(1.0, 0.05)
        shift = self._random.normal(0.0, 0.02)
        noise = self._random.normal(0.0, self._random.random() * 0.02, grey.shape)
        varied = np.clip(grey * gain + shift + noise, 0.0, 1.0)
        return np.asarray(np.where(grey > 0, varied, 0.0), dtype=np.float32)


def _per_lesion(labels: NDArray[np.uint8]) -> list[NDArray[np.int64]]:
    """Return the voxels (n, 3) of each lesion."""
    return [np.argwhere(labels == n) for n in np.unique(labels[labels > 0])]


def _dense_in_lung(
    grey: NDArray[np.float32], labels: NDArray[np.uint8], most: int = 20_000
) -> NDArray[np.int64]:
    """Return voxels (n, 3) that are dense in airy surroundings and no lesion: vessels, hila."""
    from scipy import ndimage

    around = ndimage.uniform_filter(grey, 9)
    found = np.argwhere(
        (grey > _DENSE) & (around > _AIRY_LOW) & (around < _AIRY_HIGH) & (labels == 0)
    )
    return found[:: max(1, len(found) // most)]


class LesionViews:
    """Prepared views (n, 1, k, j, i; uint8) of lesions; target 1 for those with the finding."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self._random = np.random.default_rng(int(plan["seed"]))
        self._batch = int(plan["batch"])
        self._views = mapped(plan["samples"][0]["views"])
        self._targets = np.asarray(mapped(plan["samples"][0]["targets"]), dtype=np.float32)
        self._with = np.flatnonzero(self._targets > 0.5)
        self._without = np.flatnonzero(self._targets <= 0.5)

    def draw(self) -> Batch:
        """Return (n, 1, k, j, i) and (n, 1); half of them with the finding."""
        half = self._batch // 2
        chosen = np.concatenate(
            (
                self._random.choice(self._with, half),
                self._random.choice(self._without, self._batch - half),
            )
        )
        views = np.stack([self._varied(as_grey(self._views[n])) for n in chosen])
        return np.ascontiguousarray(views), self._targets[chosen][:, None]

    def _varied(self, view: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a view, a cube, mirrored and turned onto other axes, under another contrast."""
        flips = tuple(axis for axis in (1, 2, 3) if self._random.random() < 0.5)
        order = self._random.permutation(3) + 1
        turned = np.flip(view, flips).transpose(0, *order).copy()
        shift = self._random.integers(-_SHIFT, _SHIFT + 1, 3)
        turned = np.roll(turned, tuple(shift), (1, 2, 3))
        noise = self._random.normal(0.0, self._random.random() * 0.02, turned[0].shape)
        gain, offset = self._random.normal(1.0, 0.05), self._random.normal(0.0, 0.02)
        turned[0] = np.clip(turned[0] * gain + offset + noise, 0.0, 1.0)
        return turned
