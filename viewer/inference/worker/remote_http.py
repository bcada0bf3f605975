"""The Open Inference Protocol over HTTP: where no gRPC gets through. A cancel ends our side alone."""

import http.client
import json
import math
import socket
import ssl
from typing import Any
from urllib.parse import quote

import numpy as np

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

_SHORT_S = 10.0
_LARGEST_WORDS = MEBIBYTE
_BINARY = "Inference-Header-Content-Length"


def tls_context(backend: Backend) -> ssl.SSLContext:
    """Return a context that checks the server's name and certificate.

    Raises
    ------
    InputRefused
        A file of certificates cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=backend.root_certificates or None)
        if backend.certificate:
            context.load_cert_chain(backend.certificate, backend.private_key or None)
    except (OSError, ssl.SSLError) as error:
        raise InputRefused(
            "The certificates for the server cannot be used.",
            where=backend.root_certificates or backend.certificate,
        ) from error
    return context


class HttpConversation:
    """One request at a time, each on its own connection; answers are limited in size."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._context = tls_context(backend) if backend.is_encrypted else None

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        most_bytes: int = _LARGEST_WORDS,
        interruptions: Interruptions | None = None,
    ) -> tuple[dict[str, str], bytes]:
        """Return headers (names in lower case) and body of a successful answer.

        Raises
        ------
        WireFault
            There was none.
        """
        timeout_s = _SHORT_S if interruptions is None else self._backend.timeout_s
        connection = self._connection(timeout_s)
        sent = {"User-Agent": "negatoscope", **(headers or {})}
        if self._backend.token:
            sent["Authorization"] = self._backend.token
        try:
            if interruptions is None:
                return _exchanged(connection, (method, path, body, sent), most_bytes)
            with interruptions.interrupting(lambda: _shut(connection)):
                return _exchanged(connection, (method, path, body, sent), most_bytes)
        except ssl.SSLError as error:
            raise WireFault(Trouble.TLS, str(error)) from error
        except TimeoutError as error:
            raise WireFault(Trouble.LATE, "time was up") from error
        except OSError as error:
            raise WireFault(Trouble.SILENT, str(error)) from error
        except (http.client.HTTPException, ValueError) as error:
            raise WireFault(Trouble.NONSENSE, type(error).__name__) from error
        finally:
            connection.close()

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        address = self._backend.host_and_port
        if self._context is not None:
            return http.client.HTTPSConnection(address, timeout=timeout_s, context=self._context)
        return http.client.HTTPConnection(address, timeout=timeout_s)


def _exchanged(
    connection: http.client.HTTPConnection,
    request: tuple[str, str, bytes, dict[str, str]],
    most_bytes: int,
) -> tuple[dict[str, str], bytes]:
    method, path, body, headers = request
    connection.request(method, path, body=body or None, headers=headers)
    response = connection.getresponse()
    data = response.read(most_bytes + 1)
    if response.status != http.client.OK:
        raise WireFault(trouble_of(response.status), data[:200].decode("utf-8", "replace"))
    if len(data) > most_bytes:
        raise WireFault(Trouble.TOO_MUCH, f"more than {most_bytes} bytes")
    return {name.lower(): value for name, value in response.getheaders()}, data


def _shut(connection: http.client.HTTPConnection) -> None:
    """End a connection that another thread waits on: closing it alone would not wake that thread."""
    sock = connection.sock
    if sock is not None:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it is gone already


def trouble_of(status: int) -> Trouble:
    """Return what an HTTP status means."""
    table = {
        400: Trouble.REFUSED, 401: Trouble.TOKEN, 403: Trouble.TOKEN, 404: Trouble.MISSING,
        408: Trouble.LATE, 413: Trouble.REFUSED, 415: Trouble.REFUSED, 422: Trouble.REFUSED,
        429: Trouble.BUSY, 503: Trouble.BUSY, 504: Trouble.LATE,
    }  # fmt: skip
    return table.get(status, Trouble.FAILED)


class HttpTransport(Transport):
    """JSON for the words; tensors in binary where the server lists that extension."""

    def __init__(self, backend: Backend) -> None:
        self._talk = HttpConversation(backend)
        self._is_binary: bool | None = None

    def is_ready(self) -> bool:
        """Return whether the server says that it is ready."""
        try:
            self._talk.ask("GET", "/v2/health/ready")
        except WireFault as fault:
            if fault.trouble in (Trouble.BUSY, Trouble.REFUSED):
                return False
            raise
        return True

    def server(self) -> ServerFacts:
        """Return what it says of itself."""
        found = _words(self._talk.ask("GET", "/v2")[1])
        extensions = found.get("extensions", [])
        if not isinstance(extensions, list):
            raise WireFault(Trouble.NONSENSE, "extensions")
        names = tuple(str(one) for one in extensions[:64])
        self._is_binary = "binary_tensor_data" in names
        return ServerFacts(str(found.get("name", "")), str(found.get("version", "")), names)

    def model(self, network: str) -> ModelFacts:
        """Return what it says of one network."""
        path = f"/v2/models/{quote(network, safe='')}"
        found = _words(self._talk.ask("GET", path)[1])
        weights = weights_in(lambda: self._weights(path))
        return ModelFacts(_tensors(found.get("inputs")), _tensors(found.get("outputs")), weights)

    def _weights(self, path: str) -> str:
        found: Any = _words(self._talk.ask("GET", f"{path}/config")[1])
        for name in ("parameters", "sha256", "string_value"):
            found = found.get(name, "") if isinstance(found, dict) else ""
        return str(found)

    def infer(self, question: Question, interruptions: Interruptions) -> Answer:
        """Return its answer; after a cancel the server works on, since HTTP cannot tell it."""
        if self._is_binary is None:
            self.server()
        header, tail = _request(question, is_binary=bool(self._is_binary))
        headers = {"Content-Type": "application/json"}
        if self._is_binary:
            headers = {"Content-Type": "application/octet-stream", _BINARY: str(len(header))}
        # A number in JSON takes up to some 20 characters.
        most = question.most_bytes * (1 if self._is_binary else 6) + MEBIBYTE
        path = f"/v2/models/{quote(question.network, safe='')}/infer"
        given, data = self._talk.ask(
            "POST",
            path,
            header + tail,
            headers=headers,
            most_bytes=most,
            interruptions=interruptions,
        )
        return _answer(given, data)


def _request(question: Question, *, is_binary: bool) -> tuple[bytes, bytes]:
    batch = question.batch.astype("<f4", copy=False)
    entry: dict[str, Any] = {
        "name": question.entry,
        "datatype": FP32,
        "shape": list(batch.shape),
    }
    output: dict[str, Any] = {"name": question.exit}
    if is_binary:
        entry["parameters"] = {"binary_data_size": batch.nbytes}
        output["parameters"] = {"binary_data": True}
        tail = batch.tobytes()
    else:
        entry["data"] = batch.ravel().tolist()
        tail = b""
    return json.dumps({"inputs": [entry], "outputs": [output]}).encode(), tail


def _words(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireFault(Trouble.NONSENSE, "no JSON") from error
    if not isinstance(found, dict):
        raise WireFault(Trouble.NONSENSE, "no JSON object")
    return found


def _answer(headers: dict[str, str], data: bytes) -> Answer:
    length = headers.get(_BINARY.lower(), "")
    n_words = int(length) if length.isascii() and length.isdigit() and len(length) < 12 else None
    found = _words(data if n_words is None else data[:n_words])
    outputs = found.get("outputs")
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], dict):
        raise WireFault(Trouble.NONSENSE, "not one tensor")
    output = outputs[0]
    shape = _shape(output.get("shape"))
    datatype = str(output.get("datatype", ""))
    if "data" in output:
        return Answer(datatype, shape, _numbers(output["data"], shape))
    return Answer(datatype, shape, b"" if n_words is None else memoryview(data)[n_words:])


def _numbers(values: Any, shape: tuple[int, ...]) -> bytes:
    try:
        array = np.asarray(values, dtype="<f4")
    except (ValueError, TypeError, OverflowError) as error:
        raise WireFault(Trouble.NONSENSE, "no numbers") from error
    if array.size != math.prod(shape):
        raise WireFault(Trouble.NONSENSE, f"{array.size} numbers")
    return array.tobytes()


def _shape(found: Any) -> tuple[int, ...]:
    if not isinstance(found, list) or len(found) > 16:
        raise WireFault(Trouble.NONSENSE, "no shape")
    if not all(isinstance(n, int) and 0 <= n < 1 << 31 for n in found):
        raise WireFault(Trouble.NONSENSE, "no shape")
    return tuple(found)


def _tensors(found: Any) -> tuple[TensorFacts, ...]:
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise WireFault(Trouble.NONSENSE, "no list of tensors")
    return tuple(
        TensorFacts(
            str(one.get("name", "")),
            str(one.get("datatype", "")),
            tuple(int(n) for n in one.get("shape", ()) if isinstance(n, int)),
        )
        for one in found[:64]
    )
