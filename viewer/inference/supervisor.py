"""Starts, warms, watches and restarts the worker; the program's one way to run a network.

Its methods block: call them in a job. The worker may crash, hang or be killed: then this one job
fails with ``BackendLost``, and the next one starts it again.
"""

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from viewer.domain.card import NetworkCard
from viewer.domain.prompt import Prompt
from viewer.domain.segmentation import Score, Segmentation
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, Unsupported, ViewerError
from viewer.inference import probe
from viewer.inference.backend import Backend
from viewer.inference.cards import Installed, card_to_table, load_cards, verified_forms
from viewer.inference.handover import Handover, Scan, prompt_header, scan_header
from viewer.inference.messages import Message
from viewer.inference.process import WorkerProcess, lost
from viewer.inference.results import (
    OnnxForm,
    SegmentResult,
    Trained,
    TrainingPlan,
    raise_refusal,
    scores_of,
    segment_result,
)
from viewer.inference.server_networks import ServerAnswer, server_answer
from viewer.jobs.job import Cancelled, Ticket

# To wait for a word, for a turn, and for a stop after a cancel before the process is ended.
_PATIENCE_S, _TURN_S, _GRACE_S = 300.0, 0.05, 0.7


@dataclass(eq=False)
class _Slot:
    """A worker's place: ``gpu`` is the graphics card that it may see, "" for all there is."""

    gpu: str = ""
    worker: WorkerProcess | None = None
    is_taken: bool = False


class Supervisor:
    """Owns one worker process, or one a graphics card where there are several; thread-safe.

    Workers start when they are needed and stay warm; each does one job at a time, others queue.

    Parameters
    ----------
    on_state
        Called with "starting", "ready", "busy" or "lost", from any thread.
    cards
        Installed networks; default: the shipped ones and the user's own.
    patience_s
        How long the worker may say nothing during a job before it counts as hanging.
    backend
        Where and with what to compute; may be replaced at any time, for the jobs that follow.
    providers
        Returns architecture -> module for those that plug-ins bring.
    """

    def __init__(
        self,
        on_state: Callable[[str], None] | None = None,
        *,
        cards: Mapping[str, Installed] | None = None,
        patience_s: float = _PATIENCE_S,
        backend: Backend | None = None,
        providers: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._providers = providers
        self.backend = backend or Backend()
        self._on_state = on_state or (lambda _state: None)
        self._cards = dict(cards) if cards is not None else None
        self._patience_s = patience_s
        gpus = probe.cuda_ids()
        self._slots = [_Slot(gpu) for gpu in gpus] if len(gpus) > 1 else [_Slot()]
        self._freed = threading.Condition()
        self._starting = threading.Lock()
        self._numbers = itertools.count(1)
        self._handover: Handover | None = None

    def install(self, card: NetworkCard, folder: Path) -> None:
        """Make the network in ``folder`` known; it takes the place of one with the same key."""
        self._cards = {**self._installed(), card.key: (card, folder)}

    def warm(self) -> None:
        """Start the worker if it is not there, without waiting for it."""
        self._alive(self._slots[0])

    def status(self) -> dict[str, Any]:
        """Return pid, device, engines with their versions, and why none works; starts nothing.

        ``state`` is "off", "starting" or "ready"; ``torch`` is torch's version, "" without it.
        """
        worker = self._slots[0].worker
        alive = worker is not None and worker.is_alive
        ready = (worker.ready or {}) if worker is not None and alive else {}
        state = ("ready" if ready else "starting") if alive else "off"
        return {
            "state": state,
            "pid": worker.pid if worker is not None and alive else None,
            "device": ready.get("device", ""),
            "engines": dict(ready.get("engines", {})),
            "torch": ready.get("torch", ""),
            "reason": ready.get("reason", ""),
        }

    def close(self) -> None:
        """End the workers and delete everything that was handed to them."""
        for slot in self._slots:
            worker, slot.worker = slot.worker, None
            if worker is not None:
                worker.stop()
        if self._handover is not None:
            self._handover.close()
            self._handover = None

    def segment(
        self,
        picture: Picture,
        card: NetworkCard,
        ticket: Ticket,
        prompt: Prompt | None = None,
        *,
        doubt: bool = False,
    ) -> SegmentResult:
        """Return what ``card`` finds in ``picture``, on the picture's own grid.

        ``prompt`` says where to look, for a network that takes such; ``doubt``: how sure it is too.

        Raises
        ------
        InputRefused
            The picture, the card or its weights cannot be used.
        Unsupported
            No engine is there that can compute it as was asked.
        OutOfResources
            Memory does not suffice, on no device.
        BackendLost
            The worker or the server went away; the next call starts or asks it again.
        Cancelled
            ``ticket`` was cancelled; nothing was changed.
        """
        scan = _scan_of(picture, card)
        started_s = time.monotonic()
        with self._job(ticket) as (worker, lend):
            entries = {"scan": scan_header(scan), "voxels": lend(scan.stored), "doubt": doubt}
            if prompt is not None:
                entries["prompt"] = prompt_header(prompt)
            answer = self._run(worker, "segment", entries, ticket, card=card)
        return segment_result(answer, picture, card, time.monotonic() - started_s)

    def classify(
        self, picture: Picture, segmentation: Segmentation, card: NetworkCard, ticket: Ticket
    ) -> dict[int, Score]:
        """Return segment number -> score of ``card`` for every segment that holds voxels.

        Raises
        ------
        InputRefused, Unsupported, BackendLost, Cancelled
            As for ``segment``; InputRefused also where the two lie on different grids.
        """
        scan = _scan_of(picture, card)
        if segmentation.grid != picture.grid:
            raise InputRefused("The segments do not lie on the grid of this picture.")
        with self._job(ticket) as (worker, lend):
            entries = {
                "scan": scan_header(scan),
                "voxels": lend(scan.stored),
                "labels": lend(segmentation.labels),
            }
            answer = self._run(worker, "classify", entries, ticket, card=card)
        return scores_of(answer, card)

    def train(self, plan: TrainingPlan, ticket: Ticket) -> Trained:
        """Return a network trained as ``plan`` says.

        Raises
        ------
        Unsupported, BackendLost, Cancelled
            As for ``segment``.
        """
        with self._job(ticket) as (worker, lend):
            samples = [{name: lend(a) for name, a in one.items()} for one in plan.samples]
            entries = {"plan": {**plan.settings, "samples": samples}}
            answer = self._run(worker, "train", entries, ticket)
        return Trained(answer.blobs[0], tuple(answer.header["history"]))

    def onnx_form(self, card: NetworkCard, ticket: Ticket) -> OnnxForm:
        """Return the network's ONNX form (made where it has none), compared with torch.

        Raises
        ------
        InputRefused, Unsupported, BackendLost, Cancelled
            As for ``segment``.
        """
        with self._job(ticket) as (worker, _lend):
            answer = self._run(worker, "onnx", {}, ticket, card=card)
        return OnnxForm(answer.blobs[0], answer.header["compared"])

    def ask(
        self,
        kind: str,
        arrays: Mapping[str, Any],
        card: NetworkCard,
        ticket: Ticket,
        settings: Mapping[str, Any] | None = None,
    ) -> Message:
        """Return the worker's answer to a job on ``arrays`` (by name) with the network of ``card``.

        ``settings`` are further entries of the job, plain values.

        Raises
        ------
        InputRefused, Unsupported, OutOfResources, BackendLost, Cancelled
            As for ``segment``.
        """
        with self._job(ticket) as (worker, lend):
            entries = {**(settings or {}), **{name: lend(a) for name, a in arrays.items()}}
            return self._run(worker, kind, entries, ticket, card=card)

    def ask_plainly(self, kind: str, entries: Mapping[str, Any], ticket: Ticket) -> Message:
        """Return the worker's answer to a job without an installed network; raises likewise."""
        with self._job(ticket) as (worker, _lend):
            return self._run(worker, kind, entries, ticket)

    def tile_times(
        self, card: NetworkCard, shape_kji: tuple[int, int, int], rounds: int, ticket: Ticket
    ) -> dict[str, Any]:
        """Return how long tiles of ``card`` take here, and a volume of ``shape_kji`` made of them.

        Raises
        ------
        InputRefused, Unsupported, BackendLost, Cancelled
            As for ``segment``.
        """
        with self._job(ticket) as (worker, _lend):
            entries = {"shape_kji": list(shape_kji), "rounds": rounds}
            answer = self._run(worker, "timing", entries, ticket, card=card)
        return dict(answer.header["found"])

    def server_facts(self, backend: Backend, ticket: Ticket) -> ServerAnswer:
        """Return what a server says of itself, and which networks it has.

        Raises
        ------
        InputRefused, Unsupported, OutOfResources, BackendLost, Cancelled
            As for ``segment``.
        """
        keys = [] if backend.is_monai_label else list(self._installed())
        with self._job(ticket) as (worker, _lend):
            entries = {"backend": backend.to_table(), "keys": keys}
            answer = self._run(worker, "server", entries, ticket)
        return server_answer(answer, backend)

    @contextmanager
    def _job(self, ticket: Ticket) -> Iterator[tuple[WorkerProcess, Callable[[Any], Any]]]:
        """Wait for this job's turn and for a worker that is ready; lend arrays until the end."""
        slot = self._taken(ticket)
        try:
            ticket.check()
            worker = self._alive(slot)
            self._await_ready(worker, ticket)
            self._on_state("busy")
            with ExitStack() as stack:
                with self._starting:
                    handover = self._handover = self._handover or Handover()
                yield worker, lambda array: stack.enter_context(handover.lend(array))
        finally:
            with self._freed:
                slot.is_taken = False
                self._freed.notify_all()
            if slot.worker is not None and slot.worker.is_alive:
                self._on_state("ready" if slot.worker.ready else "starting")

    def _taken(self, ticket: Ticket) -> _Slot:
        """Return a place that is free, taken for this job; wait for one."""
        with self._freed:
            while True:
                for slot in self._slots:
                    if not slot.is_taken:
                        slot.is_taken = True
                        return slot
                self._freed.wait(_TURN_S)
                ticket.check()

    def _alive(self, slot: _Slot) -> WorkerProcess:
        with self._starting:
            worker = slot.worker
            if worker is None or not worker.is_alive:
                if worker is not None:
                    worker.stop()
                self._on_state("starting")
                worker = slot.worker = WorkerProcess(self._on_state, gpu=slot.gpu)
            return worker

    def _await_ready(self, worker: WorkerProcess, ticket: Ticket) -> None:
        ticket.when_cancelled(worker.wake)
        ticket.report(None, "starting the inference process")
        deadline_s = time.monotonic() + self._patience_s
        while worker.ready is None:
            if worker.next(deadline_s - time.monotonic()) is None and worker.ready is None:
                worker.kill()
                raise lost("The inference process did not start in time.")
            ticket.check()
        if worker.ready["reason"]:
            raise Unsupported(
                f"Networks cannot run: {worker.ready['reason']}.",
                remedy="Install openvino (negatoscope backends says how).",
            )

    def _run(
        self,
        worker: WorkerProcess,
        kind: str,
        entries: Mapping[str, Any],
        ticket: Ticket,
        *,
        card: NetworkCard | None = None,
    ) -> Message:
        number = next(self._numbers)
        providers = {"providers": dict(self._providers())}
        header = {"kind": kind, "number": number, **providers, **entries}
        blobs: list[bytes] = []
        if card is not None:
            header["card"] = card_to_table(card)
            backend = self.backend
            header["backend"] = backend.to_table()
            # A server has its own: whether they are the same is asked there.
            forms = verified_forms(self._folder(card), card) if backend.is_local else {}
            if forms and card.weights_sha256 not in worker.known_weights:
                header["forms"], blobs = list(forms), list(forms.values())
        worker.send(header, blobs)
        answer = self._answer(worker, number, ticket)
        if card is not None and blobs:
            worker.known_weights.add(card.weights_sha256)
        return answer

    def _answer(self, worker: WorkerProcess, number: int, ticket: Ticket) -> Message:
        """Return the worker's last word on job ``number``, passing progress on meanwhile."""
        told = False
        deadline_s = time.monotonic() + self._patience_s
        while True:
            message = worker.next(deadline_s - time.monotonic())
            if ticket.is_cancelled and not told:
                told = True
                deadline_s = time.monotonic() + _GRACE_S
                worker.send({"kind": "cancel", "number": number})
            elif message is None:
                worker.kill()
                ticket.check()
                raise lost("The inference process did not answer any more and was ended.")
            if message is None or message.number != number:
                continue
            if message.kind == "progress":
                if not told:
                    deadline_s = time.monotonic() + self._patience_s
                    ticket.report(message.header["fraction"], message.header["text"])
                continue
            return _last_word(message, ticket)

    def _folder(self, card: NetworkCard) -> Path:
        installed = self._installed()
        if card.key not in installed:
            raise InputRefused(f"There is no network called {card.key} on this machine.")
        return installed[card.key][1]

    def _installed(self) -> Mapping[str, Installed]:
        if self._cards is None:
            self._cards = load_cards()
        return self._cards


def _last_word(message: Message, ticket: Ticket) -> Message:
    """Return a result; raise what is none."""
    ticket.check()
    if message.kind == "done":
        return message
    if message.kind == "cancelled":
        raise Cancelled
    if message.kind == "refused":
        raise_refusal(message.header)
    raise ViewerError(
        f"The inference process could not do this: {message.header.get('what', 'unknown fault')}.",
        remedy="The log inference.log says more.",
    )


def _scan_of(picture: Picture, card: NetworkCard) -> Scan:
    if not picture.is_volume:
        raise InputRefused(f"{card.title} needs a volume; these images do not form one.")
    if not picture.is_loaded:
        raise InputRefused(
            "Not all slices have been read yet.", remedy="Wait until the series is complete."
        )
    return Scan.of(picture)
