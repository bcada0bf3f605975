"""The one thing an engine must do."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Predictor(Protocol):
    """Arithmetic of a network; the pipeline does the rest.

    ``device`` says where it computes, as a person reads it ("CPU, 2 threads").
    """

    device: str

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits of ``batch`` (n, channel, k, j, i; values in 0..1).

        A segmenter answers (n, 1, k, j, i), a classifier (n, 1); positive speaks for the finding.
        """
        ...


def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)), dtype=np.float32)
