"""The one thing an engine must do."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard


class Predictor(Protocol):
    """Arithmetic of a network; the pipeline does the rest."""

    @property
    def device(self) -> str:
        """Where it computes, as a person reads it ("CPU, 2 threads")."""
        ...

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits of ``batch`` (n, channel, k, j, i; values in 0..1).

        A segmenter answers (n, 1, k, j, i), a classifier (n, 1); positive speaks for the finding.
        """
        ...


class Engine(Predictor, Protocol):
    """A predictor that the worker keeps between jobs.

    ``name`` is the engine with its version ("OpenVINO 2026.4.1"), ``precision`` what its products
    are computed in ("float32", "bfloat16"); both go into the result.
    """

    name: str
    precision: str

    def begin(self) -> None:
        """Start a job: forget what was learnt about the last one's surroundings."""
        ...

    def suited(self, card: NetworkCard) -> NetworkCard:
        """Return ``card`` with a tile that this engine can take; often the very card."""
        ...


class NoRoom(Exception):
    """The device's memory does not hold a tile of this size; a smaller one may fit."""


class DeviceLost(Exception):
    """The device went away in the middle of the work; another one may do it."""


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)
