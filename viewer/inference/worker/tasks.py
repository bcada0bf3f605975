"""The jobs that the worker knows."""

import time
from collections.abc import Callable

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged
from viewer.inference.cards import card_from_table
from viewer.inference.handover import Scan, mapped, scan_from
from viewer.inference.lesion_view import scores
from viewer.inference.messages import Message
from viewer.inference.pipeline import find
from viewer.inference.worker.orders import Orders
from viewer.inference.worker.torch_predictor import TorchPredictor
from viewer.inference.worker.training import train


class Tasks:
    """Jobs by name; networks stay loaded, by the hash of their weights."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._predictors: dict[str, TorchPredictor] = {}
        self.table: dict[str, Callable[[Message], None]] = {
            "segment": self.segment,
            "classify": self.classify,
            "train": self.train,
        }

    def segment(self, message: Message) -> None:
        """Answer with the labels of what the network finds."""
        started_s = time.monotonic()
        card, predictor = self._network(message)
        found = find(_scan(message), card, predictor, self._orders.report)
        self._orders.answer(
            "done",
            [found.labels.data],
            shape=list(found.labels.shape),
            volumes_mm3=list(found.volumes_mm3),
            notes=list(found.notes),
            device=predictor.device,
            seconds=time.monotonic() - started_s,
        )

    def classify(self, message: Message) -> None:
        """Answer with a probability for each segment."""
        card, predictor = self._network(message)
        labels = mapped(message.header["labels"])
        found = scores(_scan(message), labels, card, predictor, self._orders.report)
        self._orders.answer("done", numbers=list(found), values=list(found.values()))

    def train(self, message: Message) -> None:
        """Answer with trained weights."""
        weights, history = train(message.header["plan"], self._orders.report, self._orders.check)
        self._orders.answer("done", [weights], history=history)

    def _network(self, message: Message) -> tuple[NetworkCard, TorchPredictor]:
        card = card_from_table(message.header["card"], "message")
        if card.weights_sha256 not in self._predictors:
            if not message.blobs:
                raise Damaged("The weights did not reach the inference process.")
            self._orders.report(0.0, "loading the network")
            self._predictors[card.weights_sha256] = TorchPredictor(
                card, message.blobs[0], self._orders.check
            )
        predictor = self._predictors[card.weights_sha256]
        predictor.begin()
        return card, predictor


def _scan(message: Message) -> Scan:
    return scan_from(message.header["scan"], mapped(message.header["voxels"]))
