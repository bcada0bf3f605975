"""The worker's jobs on flat pictures."""

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np

from viewer.domain.card import NetworkCard
from viewer.inference.handover import mapped
from viewer.inference.image_pipeline import class_answers, vessels
from viewer.inference.messages import Message
from viewer.inference.predictor import Engine
from viewer.inference.worker.orders import Orders

Given = TypeVar("Given")


class Computing(Protocol):
    """Whoever holds the engines."""

    def computed(
        self, message: Message, work: Callable[[NetworkCard, Engine], Given]
    ) -> tuple[Given, Engine, tuple[str, ...]]:
        """Return what ``work`` gives, the engine, and notices."""
        ...


def classify_images(computing: Computing, orders: Orders, message: Message) -> None:
    """Answer with what the network says of each picture: float32 (n, answers)."""
    greys = np.asarray(mapped(message.header["pictures"]), dtype=np.float32)
    found, engine, notes = computing.computed(
        message, lambda card, engine: class_answers(greys, card, engine, orders.report)
    )
    answers = np.ascontiguousarray(found, dtype=np.float32)
    orders.answer(
        "done", [answers.data], shape=list(answers.shape), notes=list(notes), **_described(engine)
    )


def segment_image(computing: Computing, orders: Orders, message: Message) -> None:
    """Answer with the mask (rows, columns) that the network draws in a picture."""
    started_s = time.monotonic()
    colour = np.asarray(mapped(message.header["picture"]))
    found, engine, notes = computing.computed(
        message, lambda card, engine: vessels(colour, card, engine, orders.report)
    )
    mask = np.ascontiguousarray(found.mask, dtype=np.uint8)
    orders.answer(
        "done",
        [mask.data],
        shape=[1, *mask.shape],
        # Of a picture without a scale, in the unit of its own grid: pixels.
        volumes_mm3=[float(mask.sum())] if mask.any() else [],
        notes=[*notes, *found.notes],
        seconds=time.monotonic() - started_s,
        **_described(engine),
    )


def train_image_network(orders: Orders, plan: dict[str, Any]) -> tuple[bytes, list[float]]:
    """Return the weights and the losses of a plan whose one sample holds pictures and targets."""
    from viewer.inference.worker.image_training import train_images

    sample = plan["samples"][0]
    pictures = np.array(mapped(sample["pictures"]), dtype=np.float32)
    targets = np.array(mapped(sample["targets"]))
    return train_images(plan, pictures, targets, orders.report, orders.check)


def _described(engine: Engine) -> dict[str, Any]:
    return {"device": engine.device, "engine": engine.name, "precision": engine.precision}
