"""The Open Inference Protocol over gRPC: the way that can be cancelled."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from viewer.errors import InputRefused
from viewer.inference.backend import Backend
from viewer.inference.worker.orders import Interruptions
from viewer.inference.worker.remote_wire import (
    FP32,
    MEBIBYTE,
    Answer,
    ModelFacts,
    Question,
    ServerFacts,
    TensorFacts,
    Transport,
    Trouble,
    WireFault,
    weights_in,
)

_MOST_BYTES = 1 << 30
_SHORT_S = 10.0  # for questions that need no computing
_MOST_TENSORS = 64
_LARGEST_PEM = 1 << 20
_TLS_WORDS = ("ssl", "tls", "certificate", "handshake", "wrong_version", "socket closed")
# Triton's name for a token's header when inference is restricted (seen with 2.51); others: plain.
_TOKEN_HEADERS = ("authorization", "triton-grpc-protocol-authorization")


def pem(path: str) -> bytes | None:
    """Return the bytes of a PEM file, None for "".

    Raises
    ------
    InputRefused
        It cannot be read, or is far too large.
    """
    if not path:
        return None
    try:
        if Path(path).stat().st_size > _LARGEST_PEM:
            raise InputRefused("The certificate's file is far too large.", where=path)
        return Path(path).read_bytes()
    except OSError as error:
        raise InputRefused("The certificate's file cannot be read.", where=path) from error


class GrpcTransport(Transport):
    """A channel to one server, and its token; no proxy is asked on the way.

    The stubs are tritonclient's; the channel is our own, since an answer's size must be limited.
    """

    def __init__(self, backend: Backend, most_bytes: int) -> None:
        import grpc
        from tritonclient.grpc import service_pb2, service_pb2_grpc

        self._grpc, self._messages = grpc, service_pb2
        self._backend = backend
        options = [
            ("grpc.max_receive_message_length", min(most_bytes + MEBIBYTE, _MOST_BYTES)),
            ("grpc.max_send_message_length", -1),
            ("grpc.enable_http_proxy", 0),
            ("grpc.enable_retries", 0),
        ]
        if backend.is_encrypted:
            credentials = grpc.ssl_channel_credentials(
                pem(backend.root_certificates), pem(backend.private_key), pem(backend.certificate)
            )
            self._channel = grpc.secure_channel(backend.host_and_port, credentials, options)
        else:
            self._channel = grpc.insecure_channel(backend.host_and_port, options)
        self._stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._metadata = [(name, backend.token) for name in _TOKEN_HEADERS if backend.token]

    def is_ready(self) -> bool:
        """Return whether the server says that it is ready."""
        return bool(self._ask("ServerReady", self._messages.ServerReadyRequest()).ready)

    def server(self) -> ServerFacts:
        """Return what it says of itself."""
        found = self._ask("ServerMetadata", self._messages.ServerMetadataRequest())
        extensions = tuple(str(one) for one in found.extensions[:_MOST_TENSORS])
        return ServerFacts(str(found.name), str(found.version), extensions)

    def model(self, network: str) -> ModelFacts:
        """Return what it says of one network."""
        found = self._ask("ModelMetadata", self._messages.ModelMetadataRequest(name=network))
        weights = weights_in(lambda: self._weights(network))
        return ModelFacts(_tensors(found.inputs), _tensors(found.outputs), weights)

    def _weights(self, network: str) -> str:
        request = self._messages.ModelConfigRequest(name=network)
        parameters = self._ask("ModelConfig", request).config.parameters
        return str(parameters["sha256"].string_value) if "sha256" in parameters else ""

    def infer(self, question: Question, interruptions: Interruptions) -> Answer:
        """Return its answer; a cancel reaches the server, which drops the work if it looks."""
        request = self._messages.ModelInferRequest(model_name=question.network)
        tensor = request.inputs.add(name=question.entry, datatype=FP32)
        tensor.shape.extend(question.batch.shape)
        request.raw_input_contents.append(question.batch.astype("<f4", copy=False).tobytes())
        request.outputs.add(name=question.exit)
        found = self._ask("ModelInfer", request, self._backend.timeout_s, interruptions)
        if len(found.outputs) != 1 or len(found.raw_output_contents) != 1:
            raise WireFault(Trouble.NONSENSE, "not one tensor")
        output = found.outputs[0]
        shape = tuple(int(n) for n in output.shape[:_MOST_TENSORS])
        return Answer(str(output.datatype), shape, found.raw_output_contents[0])

    def _ask(
        self,
        method: str,
        request: Any,
        timeout_s: float = _SHORT_S,
        interruptions: Interruptions | None = None,
    ) -> Any:
        call = getattr(self._stub, method)
        try:
            future = call.future(request, timeout=timeout_s, metadata=self._metadata)
            with _stopping(future.cancel, interruptions):
                return future.result()
        except self._grpc.FutureCancelledError as error:
            raise WireFault(Trouble.LATE, "cancelled") from error
        except self._grpc.RpcError as error:
            raise WireFault(trouble_of(str(error.code().name), error.details() or "")) from error


class _Unstopped:
    """A question too short to be stopped."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *_error: object) -> None:
        """Do nothing."""


def _stopping(
    stop: Callable[[], object], interruptions: Interruptions | None
) -> AbstractContextManager[Any]:
    if interruptions is None:
        return _Unstopped()
    found: AbstractContextManager[Any] = interruptions.interrupting(stop)
    return found


def _tensors(found: Any) -> tuple[TensorFacts, ...]:
    return tuple(
        TensorFacts(str(one.name), str(one.datatype), tuple(int(n) for n in one.shape[:16]))
        for one in found[:_MOST_TENSORS]
    )


def trouble_of(code: str, details: str) -> Trouble:
    """Return what a gRPC status means.

    Triton refuses a token with UNAVAILABLE, the code of a dead server; only its text tells.
    """
    said = details.lower()
    if "restricted" in said or code in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return Trouble.TOKEN
    if code == "UNAVAILABLE":
        if any(word in said for word in _TLS_WORDS):
            return Trouble.TLS
        return Trouble.BUSY if "exceeds" in said else Trouble.SILENT
    if code == "RESOURCE_EXHAUSTED":
        return Trouble.TOO_MUCH if "larger than max" in said else Trouble.BUSY
    table = {
        "DEADLINE_EXCEEDED": Trouble.LATE,
        "CANCELLED": Trouble.LATE,
        "NOT_FOUND": Trouble.MISSING,
        "INVALID_ARGUMENT": Trouble.REFUSED,
        "UNIMPLEMENTED": Trouble.NONSENSE,
    }
    return table.get(code, Trouble.FAILED)
