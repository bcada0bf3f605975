"""A network that an inference server computes: Open Inference Protocol v2, over gRPC or HTTP.

Only tiles leave this machine: numbers between 0 and 1, their shape, and the network's key.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused, Unsupported, ViewerError
from viewer.inference.backend import Backend
from viewer.inference.fitting import halved
from viewer.inference.worker.orders import Interruptions
from viewer.inference.worker.remote_wire import (
    FP32,
    MEBIBYTE,
    ModelFacts,
    Question,
    ServerFacts,
    TensorFacts,
    Transport,
    Trouble,
    WireFault,
    checked,
    plain,
    sentence_of,
)

ENTRY, EXIT = "input", "output"
_LARGEST_REQUEST = 64 * MEBIBYTE  # of a server seen to take more than the others' 4 MiB
_SMALLEST_LIMIT = 4 * MEBIBYTE - 65_536  # 4 MiB is where gRPC servers stop unless told otherwise
_AT_ONCE = 8  # tiles in one request, as our repositories' max_batch_size has it
_FEW_CHANNELS = 8  # networks of instances answer offsets too

Given = TypeVar("Given")


class RemotePredictor:
    """The arithmetic of one network, on a server.

    Raises
    ------
    BackendLost, InputRefused, OutOfResources, Unsupported
        The server is not there, refuses us, has no such network, or declares another one.
    """

    def __init__(
        self,
        card: NetworkCard,
        backend: Backend,
        interruptions: Interruptions,
        transport: Transport | None = None,
    ) -> None:
        self._card, self._backend, self._interruptions = card, backend, interruptions
        self._transport = transport or transport_to(backend, card)
        if not self._asked(self._transport.is_ready):
            raise self._refusal(WireFault(Trouble.BUSY, "not ready"))
        self._server: ServerFacts = self._asked(self._transport.server)
        large = self._server.takes_large_requests
        self._limit = min(_LARGEST_REQUEST if large else _SMALLEST_LIMIT, _largest_request(card))
        facts: ModelFacts = self._asked(lambda: self._transport.model(card.key))
        self.notes = self._weights_checked(facts.weights_sha256)
        self._entry = self._tensor(facts.inputs, ENTRY)
        self._exit = self._tensor(facts.outputs, EXIT)
        self.name = f"{plain(self._server.name, 40)} {plain(self._server.version, 20)}".strip()
        self.name = self.name or "a server of the Open Inference Protocol"
        self.precision = "as the server has it"

    @property
    def device(self) -> str:
        """The server's address: where it computes there is its own matter."""
        return self._backend.where

    def begin(self) -> None:
        """Start a job: nothing is kept between jobs."""

    def suited(self, card: NetworkCard) -> NetworkCard:
        """Return ``card`` with a tile that this server takes in one request.

        Raises
        ------
        NoRoom
            Its tile cannot be cut that small.
        """
        tile = card.tile_kji
        shape = self._entry.shape
        channels = max(1, shape[1] if len(shape) > 1 else 1)
        while card.task == "segment" and 4 * channels * int(np.prod(tile)) > self._limit:
            tile = halved(tile)
        return replace(card, tile_kji=tile)

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return logits of ``batch`` (n, channel, ...), as the server computed them."""
        most = max(1, min(_AT_ONCE, self._limit * len(batch) // max(1, batch.nbytes)))
        if len(batch) > most:
            parts = [batch[at : at + most] for at in range(0, len(batch), most)]
            return np.concatenate([self.predict(part) for part in parts])
        question = Question(
            self._card.key,
            self._entry.name,
            self._exit.name,
            np.ascontiguousarray(batch),
            _most_channels(self._card),
        )
        return self._asked(
            lambda: checked(
                self._transport.infer(question, self._interruptions), batch, self._card.task
            )
        )

    def _asked(self, question: Callable[[], Given]) -> Given:
        """Return what ``question`` gives; ask a silent or busy server once more."""
        try:
            return question()
        except WireFault as fault:
            self._interruptions.check()
            if fault.trouble not in (Trouble.SILENT, Trouble.BUSY):
                raise self._refusal(fault) from fault
        try:
            return question()
        except WireFault as fault:
            self._interruptions.check()
            raise self._refusal(fault) from fault

    def _refusal(self, fault: WireFault) -> ViewerError:
        sys.stderr.write(f"server: {fault}\n")
        return sentence_of(fault, self._backend, self._card.title)

    def _weights_checked(self, there: str) -> tuple[str, ...]:
        """Return what must be said of the server's weights; refuse those that are not the card's."""
        if not there:
            return (f"The server does not say which weights of {self._card.title} it uses.",)
        if there != self._card.weights_sha256:
            raise InputRefused(
                f"The server {self._backend.host_and_port} has other weights of {self._card.title}.",
                remedy="Put ours there: negatoscope networks export --for triton.",
            )
        return ()

    def _tensor(self, declared: tuple[TensorFacts, ...], name: str) -> TensorFacts:
        """Return the one tensor that the server declares; ours where it declares nothing."""
        if not declared:
            return TensorFacts(name, FP32, ())
        if len(declared) != 1 or declared[0].datatype not in (FP32, ""):
            raise Unsupported(
                f"The server {self._backend.host_and_port} has another network under the name "
                f"{self._card.key}.",
                remedy="Put ours there: negatoscope networks export --for triton.",
            )
        return declared[0]


def transport_to(backend: Backend, card: NetworkCard | None = None) -> Transport:
    """Return the way to the server that its address names, wide enough for ``card``."""
    if backend.where.startswith("grpc"):
        from viewer.inference.worker.remote_grpc import GrpcTransport

        try:
            most = 0 if card is None else _most_channels(card) * _largest_request(card)
            return GrpcTransport(backend, most)
        except (ImportError, RuntimeError) as error:
            raise Unsupported(
                "The client for inference servers is not installed.",
                remedy="Install tritonclient, grpcio and ml_dtypes.",
            ) from error
    from viewer.inference.worker.remote_http import HttpTransport

    return HttpTransport(backend)


def _largest_request(card: NetworkCard) -> int:
    """Return how many bytes of tiles are asked at once: a few whole ones, 4 MiB at least."""
    return max(_SMALLEST_LIMIT, 4 * _AT_ONCE * int(np.prod(card.tile_kji)))


def _most_channels(card: NetworkCard) -> int:
    """Return how many channels an answer may have: one a class, or a few of geometry."""
    return max(_FEW_CHANNELS, card.n_classes)
