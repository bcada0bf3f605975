"""Servers of each kind, and predictors that ask them."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.inference.cards_for_tests import a_card
from tests.inference.fake_servers import (
    Batch,
    Behaviour,
    grpc_server,
    http_answer,
    http_server,
    json_answer,
    protocol_reply,
)
from viewer.inference.backend import Backend
from viewer.inference.worker.orders import Stopped
from viewer.inference.worker.remote_predictor import RemotePredictor

CARD = a_card()
BATCH = np.random.default_rng(1).random((1, 1, 16, 16, 16), dtype=np.float32)
PATIENCE_S = 20.0


class Job:
    """A job that is cancelled when ``when`` is set."""

    def __init__(self, when: threading.Event | None = None) -> None:
        self._when = when
        self.is_cancelled = False

    def check(self) -> None:
        if self.is_cancelled:
            raise Stopped

    @contextmanager
    def interrupting(self, stop: Callable[[], object]) -> Iterator[None]:
        if self._when is None:
            yield
            return
        thread = threading.Thread(target=self._cancel, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            thread.join()
            self.check()

    def _cancel(self, stop: Callable[[], object]) -> None:
        assert self._when is not None
        assert self._when.wait(PATIENCE_S)
        self.is_cancelled = True
        stop()


def a_predictor(where: str, **words: Any) -> RemotePredictor:
    job = words.pop("job", Job())
    return RemotePredictor(words.pop("card", CARD), Backend(where, **words), job)


@contextmanager
def a_server(kind: str, infer: Callable[[Batch], Batch], token: str = "") -> Iterator[str]:
    """Yield the address of a server of each kind."""
    if kind == "grpc":
        with grpc_server(Behaviour(infer=infer, token=token)) as address:
            yield f"grpc://{address}"
        return
    extensions = ("binary_tensor_data",) if kind == "http binary" else ()
    form = http_answer if kind == "http binary" else json_answer
    reply = protocol_reply(lambda batch: form(infer(batch)), token=token, extensions=extensions)
    with http_server(reply) as address:
        yield f"http://{address}"


KINDS = ["grpc", "http binary", "http json"]
