"""What goes to an inference server and what comes back: one tile each way, and how it can fail.

Open Inference Protocol v2 (github.com/kserve/open-inference-protocol). It is a family: servers
differ in extensions, limits and what their metadata say, so each answer is looked through here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from viewer.errors import BackendLost, InputRefused, OutOfResources, Unsupported, ViewerError
from viewer.inference.backend import Backend
from viewer.inference.worker.orders import Interruptions

FP32 = "FP32"
MEBIBYTE = 1 << 20
_HIGHEST_LOGIT = 1e6
_MOST_CHANNELS = 256


class Trouble(Enum):
    """Why a request gave nothing, as far as it decides what happens next."""

    SILENT = "nobody answers"
    BUSY = "it is there, and refuses for the moment"
    LATE = "the time was up"
    TOKEN = "the token is refused"  # noqa: S105 - a sentence, no token
    TLS = "the encryption fails"
    MISSING = "no such network there"
    REFUSED = "it does not take this tile"
    FAILED = "it failed at it"
    TOO_MUCH = "more came than was asked for"
    NONSENSE = "what came is no answer"


class WireFault(Exception):
    """A request that gave nothing; ``detail`` is the server's own word, for the log alone."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        super().__init__(f"{trouble.value}: {plain(detail)}")
        self.trouble = trouble


@dataclass(frozen=True)
class ServerFacts:
    """What a server says of itself; () and "" where it says nothing."""

    name: str = ""
    version: str = ""
    extensions: tuple[str, ...] = ()

    @property
    def takes_large_requests(self) -> bool:
        """Whether it was seen to take more than 4 MiB at once: Triton does, others do not."""
        return self.name.lower() == "triton" and "binary_tensor_data" in self.extensions


@dataclass(frozen=True)
class TensorFacts:
    """An input or output as the server's metadata give it; sides of -1 are open."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ModelFacts:
    """A network as the server's metadata give it; empty where it declares nothing.

    ``weights_sha256`` is what the repository that we write says of itself (Triton passes it on).
    """

    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    weights_sha256: str = ""


@dataclass(frozen=True)
class Answer:
    """A tensor that came back: not looked at yet."""

    datatype: str
    shape: tuple[int, ...]
    data: bytes | memoryview


@dataclass(frozen=True)
class Question:
    """A tile on its way: all that a server gets to know."""

    network: str
    entry: str
    exit: str
    batch: NDArray[np.float32]
    most_channels: int = 2

    @property
    def most_bytes(self) -> int:
        """How large an answer may be at most."""
        n_channels: int = max(1, self.batch.shape[1])
        return self.batch.nbytes // n_channels * self.most_channels


class Transport(Protocol):
    """A way to a server. All methods raise ``WireFault``."""

    def is_ready(self) -> bool:
        """Return whether the server says that it is ready."""
        ...

    def server(self) -> ServerFacts:
        """Return what it says of itself."""
        ...

    def model(self, network: str) -> ModelFacts:
        """Return what it says of one network."""
        ...

    def infer(self, question: Question, interruptions: Interruptions) -> Answer:
        """Return its answer to a tile; stopped by ``interruptions``."""
        ...


def checked(answer: Answer, batch: NDArray[np.float32], task: str) -> NDArray[np.float32]:
    """Return the logits in ``answer``, once bytes, shape, type and range are right.

    Raises
    ------
    WireFault
        Something is not: nothing of it is used.
    """
    if answer.datatype != FP32:
        raise WireFault(Trouble.NONSENSE, f"type {answer.datatype}")
    shape = answer.shape
    n_channels = shape[1] if len(shape) > 1 else 0
    expected = (len(batch), n_channels, *(batch.shape[2:] if task == "segment" else ()))
    if shape != expected or not 1 <= n_channels <= _MOST_CHANNELS:
        raise WireFault(Trouble.NONSENSE, f"shape {shape}")
    n_bytes = 4 * int(np.prod(shape, dtype=np.int64))
    if len(answer.data) != n_bytes:
        raise WireFault(Trouble.NONSENSE, f"{len(answer.data)} bytes instead of {n_bytes}")
    logits = np.frombuffer(answer.data, dtype="<f4").reshape(shape).astype(np.float32)
    if not np.isfinite(logits).all() or np.abs(logits).max(initial=0.0) > _HIGHEST_LOGIT:
        raise WireFault(Trouble.NONSENSE, "values that no network gives")
    return logits


def weights_in(read: Callable[[], str]) -> str:
    """Return what ``read`` finds, "" where a server has no configuration to show."""
    try:
        return plain(read(), 64)
    except WireFault:
        return ""


def plain(text: str, longest: int = 200) -> str:
    """Return a server's own words fit for a log: short, one line, nothing that steers."""
    return "".join(one if one.isprintable() else " " for one in text[:longest])


def sentence_of(fault: WireFault, backend: Backend, title: str) -> ViewerError:
    """Return what a person reads: one sentence, what to do about it, and nothing of the server's."""
    at = f"The server {backend.host_and_port}"
    trouble = fault.trouble
    if trouble is Trouble.TOKEN:
        given = "refuses the token" if backend.token else "asks for a token"
        return InputRefused(
            f"{at} is there, and {given}.", remedy="Give the right one (--token-file FILE)."
        )
    if trouble is Trouble.TLS:
        return InputRefused(
            f"{at} cannot be spoken to: the two do not agree on TLS or its certificates.",
            remedy="Check the scheme of the address (grpcs, https) and the certificates.",
        )
    if trouble is Trouble.MISSING:
        return Unsupported(
            f"{at} does not have {title}.",
            remedy="Put it there: negatoscope networks export --for triton.",
        )
    if trouble is Trouble.REFUSED:
        return Unsupported(
            f"{at} does not take the tiles of {title}.",
            remedy="Export the network again, and let the server load it.",
        )
    if trouble in (Trouble.NONSENSE, Trouble.TOO_MUCH):
        return BackendLost(
            f"{at} answered something that is no answer to {title}; nothing of it was used.",
            remedy="Ask its administrator, or run the network on this computer.",
        )
    texts = {
        Trouble.SILENT: f"{at} does not answer.",
        Trouble.BUSY: f"{at} is too busy to take {title}.",
        Trouble.LATE: f"{at} did not answer within {backend.timeout_s:g} s.",
        Trouble.FAILED: f"{at} failed at {title}.",
    }
    kind = OutOfResources if trouble is Trouble.BUSY else BackendLost
    return kind(texts[trouble], remedy="Try again later, or run the network on this computer.")
