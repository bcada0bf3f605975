"""Inference servers on the loopback that answer what a test wants, and keep what they were sent."""

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc  # noqa: TID253 - tests of servers need it at once
import numpy as np
from numpy.typing import NDArray
from tritonclient.grpc import service_pb2 as messages  # noqa: TID253

Batch = NDArray[np.float32]
_SERVICE = "inference.GRPCInferenceService"


def threshold(batch: Batch) -> Batch:
    """Answer as ``ThresholdPredictor`` does."""
    return np.asarray((batch - 0.5) * 100, dtype=np.float32)


@dataclass
class Behaviour:
    """What a fake server does.

    ``infer`` gets the tile and gives the answer: an array, raw bytes of a response, or raises.
    """

    infer: Callable[[Batch], Any] = threshold
    name: str = "fake"
    extensions: tuple[str, ...] = ("binary_tensor_data",)
    token: str = ""
    model: Callable[[str], Any] | None = None
    is_ready: bool = True
    weights_sha256: str = ""
    received: list[bytes] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    n_tiles: int = 0
    n_cancelled: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    entered: threading.Event = field(default_factory=threading.Event)


class Refusal(Exception):
    """A status of gRPC or HTTP, and its text."""

    def __init__(self, code: Any, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def _respond(batch: Any) -> bytes:
    if isinstance(batch, bytes):
        return batch
    response = messages.ModelInferResponse(model_name="any")
    output = response.outputs.add(name="output", datatype="FP32")
    output.shape.extend(batch.shape)
    response.raw_output_contents.append(batch.astype("<f4").tobytes())
    return bytes(response.SerializeToString())


class _Handler(grpc.GenericRpcHandler):  # type: ignore[misc] # grpc has no types
    """Takes requests as the bytes they are."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._does = behaviour

    def service(self, details: Any) -> Any:
        method = details.method.rsplit("/", 1)[-1]
        self._does.headers.extend((key, str(value)) for key, value in details.invocation_metadata)
        return grpc.unary_unary_rpc_method_handler(
            lambda data, context: self._answer(method, data, context)
        )

    def _answer(self, method: str, data: bytes, context: Any) -> bytes:
        self._does.received.append(data)
        if method == "ServerReady":
            found = messages.ServerReadyResponse(ready=self._does.is_ready)
            return bytes(found.SerializeToString())
        if method == "ServerMetadata":
            found = messages.ServerMetadataResponse(
                name=self._does.name, version="9", extensions=self._does.extensions
            )
            return bytes(found.SerializeToString())
        if method == "ModelMetadata":
            return self._metadata(data, context)
        if method == "ModelConfig":
            found = messages.ModelConfigResponse()
            found.config.parameters["sha256"].string_value = self._does.weights_sha256
            return bytes(found.SerializeToString())
        return self._infer(data, context)

    def _metadata(self, data: bytes, context: Any) -> bytes:
        request = messages.ModelMetadataRequest.FromString(data)
        if self._does.model is None:
            return b""
        found = self._does.model(request.name)
        if isinstance(found, Refusal):
            context.abort(found.code, found.text)
        return bytes(found.SerializeToString())

    def _infer(self, data: bytes, context: Any) -> bytes:
        metadata = dict(context.invocation_metadata())
        header = "triton-grpc-protocol-authorization"
        if self._does.token and metadata.get(header) != self._does.token:
            context.abort(
                grpc.StatusCode.UNAVAILABLE,
                f"This protocol is restricted, expecting header '{header}'",
            )
        self._does.n_tiles += 1
        context.add_callback(self._note_end)
        request = messages.ModelInferRequest.FromString(data)
        batch = np.frombuffer(request.raw_input_contents[0], dtype="<f4")
        try:
            found = self._does.infer(batch.reshape(tuple(request.inputs[0].shape)))
            return _respond(found)
        except Refusal as refusal:
            context.abort(refusal.code, refusal.text)
            raise

    def _note_end(self) -> None:
        self._does.n_cancelled.release()


@contextmanager
def grpc_server(behaviour: Behaviour, credentials: Any = None) -> Iterator[str]:
    """Yield HOST:PORT of a server that speaks gRPC."""
    server = grpc.server(
        ThreadPoolExecutor(4),
        handlers=[_Handler(behaviour)],
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    if credentials is None:
        port = server.add_insecure_port("127.0.0.1:0")
    else:
        port = server.add_secure_port("127.0.0.1:0", credentials)
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


Reply = tuple[int, dict[str, str], bytes]


def http_answer(batch: Batch) -> Reply:
    """Return an answer with binary data, as Triton gives it."""
    words = {
        "outputs": [
            {
                "name": "output",
                "datatype": "FP32",
                "shape": list(batch.shape),
                "parameters": {"binary_data_size": batch.nbytes},
            }
        ]
    }
    header = json.dumps(words).encode()
    return (
        200,
        {"Inference-Header-Content-Length": str(len(header))},
        header + batch.astype("<f4").tobytes(),
    )


def json_answer(batch: Batch) -> Reply:
    """Return an answer in JSON alone."""
    output = {"name": "output", "datatype": "FP32", "shape": list(batch.shape)}
    words = {"outputs": [{**output, "data": batch.ravel().tolist()}]}
    return 200, {}, json.dumps(words).encode()


@contextmanager
def http_server(
    reply: Callable[[str, str, bytes, dict[str, str]], Reply],
    tls: ssl.SSLContext | None = None,
) -> Iterator[str]:
    """Yield HOST:PORT of a server that answers (method, path, body, headers) with ``reply``."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {key.lower(): value for key, value in self.headers.items()}
            status, more, data = reply(self.command, self.path, body, headers)
            try:
                self.send_response(status)
                for key, value in {"Content-Length": str(len(data)), **more}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _do  # noqa: N815 - names that http.server wants

        def log_message(self, *_words: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_words: None  # type: ignore[method-assign] # clients that hang up
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def protocol_reply(
    infer: Callable[[Batch], Reply], *, token: str = "", extensions: tuple[str, ...] = ()
) -> Callable[[str, str, bytes, dict[str, str]], Reply]:
    """Return the replies of an HTTP server of the Open Inference Protocol."""

    def reply(method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        del method
        if path == "/v2/health/ready":
            return 200, {}, b""
        if path == "/v2":
            words = {"name": "fake", "version": "9", "extensions": list(extensions)}
            return 200, {}, json.dumps(words).encode()
        if not path.endswith("/infer"):
            return 200, {}, b'{"inputs": [], "outputs": []}'
        if token and headers.get("authorization") != token:
            return 403, {}, b"restricted"
        length = headers.get("inference-header-content-length")
        words = json.loads(body[: int(length)] if length else body)
        entry = words["inputs"][0]
        raw = body[int(length) :] if length else np.array(entry["data"], dtype="<f4").tobytes()
        return infer(np.frombuffer(raw, dtype="<f4").reshape(entry["shape"]))

    return reply
