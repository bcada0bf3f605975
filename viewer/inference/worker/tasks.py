"""The jobs that the worker knows."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from viewer.domain.card import NetworkCard
from viewer.errors import Damaged, OutOfResources
from viewer.inference.backend import Backend
from viewer.inference.cards import card_from_table
from viewer.inference.doubt import Doubt, doubt_of
from viewer.inference.fitting import halved
from viewer.inference.handover import Scan, mapped, prompt_from, scan_from
from viewer.inference.lesion_view import scores
from viewer.inference.messages import Message
from viewer.inference.pipeline import Found, find
from viewer.inference.predictor import DeviceLost, Engine, NoRoom
from viewer.inference.worker.engines import engine_for
from viewer.inference.worker.explain_tasks import explain_image
from viewer.inference.worker.foreign_tasks import foreign_trial, foreign_weights
from viewer.inference.worker.image_tasks import (
    classify_images,
    segment_image,
    train_image_network,
)
from viewer.inference.worker.orders import Orders
from viewer.inference.worker.server_tasks import segment_by_monai_label, server_facts
from viewer.inference.worker.volume_tasks import train_volume_network

Given = TypeVar("Given")


class Tasks:
    """Jobs by name; networks stay loaded, by the hash of their weights and how to compute them."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._forms: dict[str, dict[str, bytes]] = {}
        self._engines: dict[tuple[str, Backend], tuple[Engine, tuple[str, ...]]] = {}
        self.table: dict[str, Callable[[Message], None]] = {
            "segment": self.segment,
            "classify": self.classify,
            "train": self.train,
            "onnx": self.onnx,
            "timing": self.timing,
            "server": lambda message: server_facts(orders, message),
            "classify_images": lambda message: classify_images(self, self._orders, message),
            "explain_image": lambda message: explain_image(self, self._orders, message),
            "segment_image": lambda message: segment_image(self, self._orders, message),
            "foreign_weights": lambda message: foreign_weights(orders, message),
            "foreign_trial": lambda message: foreign_trial(orders, message, self.computed),
        }

    def segment(self, message: Message) -> None:
        """Answer with the labels of what the network finds."""
        backend = Backend.from_table(message.header.get("backend", {}))
        if backend.is_monai_label:
            segment_by_monai_label(self._orders, message, backend)
            return
        started_s = time.monotonic()
        scan = _scan(message)
        prompt = prompt_from(message.header.get("prompt"))
        report = self._orders.report
        wants_doubt = bool(message.header.get("doubt"))

        def work(card: NetworkCard, engine: Engine) -> tuple[Found, Doubt | None]:
            found = find(scan, card, engine, report, prompt)
            if not wants_doubt:
                return found, None
            return found, doubt_of(scan, found.labels, card, engine, report, prompt)

        (found, doubt), engine, notes = self.computed(message, work)
        self._orders.answer(
            "done",
            [found.labels.data, *([] if doubt is None else [doubt.levels.data])],
            doubt_mm3=None if doubt is None else doubt.volumes_mm3.tolist(),
            shape=list(found.labels.shape),
            volumes_mm3=list(found.volumes_mm3),
            names=list(found.names),
            prompt=message.header.get("prompt"),
            notes=[*notes, *found.notes],
            seconds=time.monotonic() - started_s,
            **described(engine),
        )

    def classify(self, message: Message) -> None:
        """Answer with a probability for each segment."""
        labels = mapped(message.header["labels"])
        scan = _scan(message)
        report = self._orders.report
        found, engine, notes = self.computed(
            message, lambda card, engine: scores(scan, labels, card, engine, report)
        )
        self._orders.answer(
            "done",
            numbers=list(found),
            values=list(found.values()),
            notes=list(notes),
            **described(engine),
        )

    def train(self, message: Message) -> None:
        """Answer with trained weights."""
        from viewer.inference.worker.training import train

        plan = message.header["plan"]
        if str(plan["task"]).startswith("image_"):
            weights, history = train_image_network(self._orders, plan)
        elif str(plan["task"]).startswith("volume_"):
            weights, history = train_volume_network(self._orders, plan)
        else:
            weights, history = train(plan, self._orders.report, self._orders.check)
        self._orders.answer("done", [weights], history=history)

    def onnx(self, message: Message) -> None:
        """Answer with the ONNX form of a network and how far each engine is from torch with it."""
        from viewer.inference.worker.forms import compared_forms

        card = card_from_table(message.header["card"], "message")
        forms = self._forms_of(card, message)
        data, found = compared_forms(card, forms["safetensors"], forms.get("onnx"), self._orders)
        self._orders.answer("done", [data], compared=found)

    def timing(self, message: Message) -> None:
        """Answer with how long tiles of a network take here."""
        from viewer.inference.worker.timing import timed

        card = card_from_table(message.header["card"], "message")
        k, j, i = (int(n) for n in message.header["shape_kji"])
        rounds = int(message.header["rounds"])
        found = timed(card, self._forms_of(card, message), (k, j, i), rounds, self._orders)
        self._orders.answer("done", found=found)

    def computed(
        self, message: Message, work: Callable[[NetworkCard, Engine], Given]
    ) -> tuple[Given, Engine, tuple[str, ...]]:
        """Return what ``work`` gives with the network of ``message``, the engine, and notices.

        Where the graphics card's memory does not suffice, ``work`` is done again with smaller tiles;
        where that does not help or the card goes away, on the processor. Each time with a notice.
        """
        card = card_from_table(message.header["card"], "message")
        backend = Backend.from_table(message.header.get("backend", {}))
        forms = self._forms_of(card, message) if backend.is_local else {}
        notes: list[str] = []
        while True:
            try:
                engine, said = self._engine(card, forms, backend)
                engine.begin()
                found = with_tiles_that_fit(engine, card, work, notes)
            except (NoRoom, DeviceLost) as error:
                if backend.device == "cpu" or not backend.is_local:
                    raise OutOfResources("The memory does not suffice.") from error
                notes.append(_moved(card, error))
                self._engines.pop(_key(card, backend), None)
                backend = replace(backend, device="cpu", engine="auto")
                continue
            return found, engine, (*notes, *said)

    def _engine(
        self, card: NetworkCard, forms: dict[str, bytes], backend: Backend
    ) -> tuple[Engine, tuple[str, ...]]:
        if not backend.is_local:  # asked anew each time: it may have been replaced meanwhile
            return engine_for(card, forms, backend, self._orders)
        key = _key(card, backend)
        if key not in self._engines:
            self._orders.report(0.0, "loading the network")
            self._engines[key] = engine_for(card, forms, backend, self._orders)
        return self._engines[key]

    def _forms_of(self, card: NetworkCard, message: Message) -> dict[str, bytes]:
        """Return the network's forms: as they came with this job, or with an earlier one."""
        names = message.header.get("forms", [])
        if names:
            if len(names) != len(message.blobs):
                raise Damaged("The weights did not reach the inference process.")
            self._forms[card.weights_sha256] = dict(zip(names, message.blobs, strict=True))
        if card.weights_sha256 not in self._forms:
            raise Damaged("The weights did not reach the inference process.")
        return self._forms[card.weights_sha256]


def with_tiles_that_fit(
    engine: Engine,
    card: NetworkCard,
    work: Callable[[NetworkCard, Engine], Given],
    notes: list[str],
) -> Given:
    """Return what ``work`` gives, with the card's tile halved until the memory suffices.

    Raises
    ------
    NoRoom
        Not even the smallest tile fits.
    """
    asked = engine.suited(card)
    while True:
        try:
            found = work(asked, engine)
        except NoRoom:
            asked = replace(asked, tile_kji=halved(asked.tile_kji))
            continue
        if asked.tile_kji != card.tile_kji:
            sides = " x ".join(str(n) for n in asked.tile_kji)
            notes.append(f"{engine.device} took smaller tiles than the card says: {sides}.")
        return found


def described(engine: Engine) -> dict[str, Any]:
    """Return what a result says of the engine that computed it."""
    return {"device": engine.device, "engine": engine.name, "precision": engine.precision}


def _moved(card: NetworkCard, error: Exception) -> str:
    why = "had too little memory" if isinstance(error, NoRoom) else "went away"
    return f"The graphics card {why}; {card.title} ran on the processor."


def _key(card: NetworkCard, backend: Backend) -> tuple[str, Backend]:
    return card.weights_sha256, backend


def _scan(message: Message) -> Scan:
    return scan_from(message.header["scan"], mapped(message.header["voxels"]))
