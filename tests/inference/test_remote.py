"""Inference servers: what they may answer, what they are told, and how they may fail."""

import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import grpc  # noqa: TID253 - tests of servers need it at once
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as messages  # noqa: TID253

from tests.inference.cards_for_tests import ThresholdPredictor, a_card, silent
from tests.inference.fake_servers import (
    Batch,
    Behaviour,
    Refusal,
    Reply,
    grpc_server,
    http_answer,
    http_server,
    json_answer,
    protocol_reply,
    threshold,
)
from viewer.errors import BackendLost, InputRefused, OutOfResources, Unsupported, ViewerError
from viewer.inference.backend import Backend
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.inference.worker.orders import Stopped
from viewer.inference.worker.remote_grpc import trouble_of
from viewer.inference.worker.remote_predictor import RemotePredictor
from viewer.inference.worker.remote_wire import Answer, Trouble, WireFault, checked
from viewer.testing.builders import a_volume

_CARD = a_card()
_BATCH = np.random.default_rng(1).random((1, 1, 16, 16, 16), dtype=np.float32)
_PATIENCE_S = 20.0


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
        assert self._when.wait(_PATIENCE_S)
        self.is_cancelled = True
        stop()


def _predictor(where: str, **words: Any) -> RemotePredictor:
    job = words.pop("job", Job())
    return RemotePredictor(words.pop("card", _CARD), Backend(where, **words), job)


@contextmanager
def _server(kind: str, infer: Callable[[Batch], Batch], token: str = "") -> Iterator[str]:
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


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_gives_the_mask_that_the_same_arithmetic_gives_here(kind: str) -> None:
    volume = (
        a_volume((12, 20, 20), spacing_ijk_mm=(2, 2, 2), value_hu=-900)
        .with_sphere(radius_mm=9.0, value_hu=200)
        .build()
    )
    card = a_card(tile_kji=(8, 16, 16))
    here = find(Scan.of(volume), card, ThresholdPredictor(), silent)
    with _server(kind, threshold) as where:
        there = find(Scan.of(volume), card, _predictor(where, card=card), silent)
    np.testing.assert_array_equal(there.labels, here.labels)


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_token_opens_and_a_wrong_one_does_not_look_like_a_dead_server(kind: str) -> None:
    with _server(kind, threshold, token="Bearer right") as where:  # noqa: S106 - invented
        found = _predictor(where, token="Bearer right").predict(_BATCH)  # noqa: S106
        np.testing.assert_array_equal(found, threshold(_BATCH))
        for token, words in (("Bearer wrong", "refuses the token"), ("", "asks for a token")):
            with pytest.raises(InputRefused, match=words) as refused:
                _predictor(where, token=token).predict(_BATCH)
            assert "Bearer" not in refused.value.sentence()
            assert "does not answer" not in refused.value.sentence()


def test_nobody_there_is_one_sentence() -> None:
    for scheme in ("grpc", "http"):
        with pytest.raises(BackendLost, match="does not answer") as lost:
            _predictor(f"{scheme}://127.0.0.1:9")
        assert "\n" not in lost.value.sentence()


def test_a_silent_server_is_asked_twice_and_a_restricted_one_once() -> None:
    for text, expected in (("connection lost", 2), ("This protocol is restricted", 1)):

        def infer(_batch: Batch, text: str = text) -> Batch:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, text)

        behaviour = Behaviour(infer=infer)
        with grpc_server(behaviour) as address, pytest.raises(ViewerError):
            _predictor(f"grpc://{address}").predict(_BATCH)
        assert behaviour.n_tiles == expected


def test_a_hiccup_costs_nothing() -> None:
    behaviour = Behaviour()

    def infer(batch: Batch) -> Batch:
        if behaviour.n_tiles == 1:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        return threshold(batch)

    behaviour.infer = infer
    with grpc_server(behaviour) as address:
        found = _predictor(f"grpc://{address}").predict(_BATCH)
    np.testing.assert_array_equal(found, threshold(_BATCH))


@pytest.mark.parametrize(
    ("code", "text", "kind", "words"),
    [
        ("UNAVAILABLE", "Exceeds maximum queue size", OutOfResources, "too busy"),
        ("NOT_FOUND", "unknown model", Unsupported, "does not have"),
        ("INVALID_ARGUMENT", "unexpected shape", Unsupported, "does not take the tiles"),
        ("UNAUTHENTICATED", "who", InputRefused, "asks for a token"),
        ("INTERNAL", "Patient Smith \x1b[31m", BackendLost, "failed at"),
        ("RESOURCE_EXHAUSTED", "queue", OutOfResources, "too busy"),
        ("UNIMPLEMENTED", "what", BackendLost, "no answer"),
    ],
)
def test_each_refusal_is_one_sentence_without_the_servers_own_words(
    code: str, text: str, kind: type[ViewerError], words: str
) -> None:
    def infer(_batch: Batch) -> Batch:
        raise Refusal(getattr(grpc.StatusCode, code), text)

    with grpc_server(Behaviour(infer=infer)) as address, pytest.raises(kind, match=words) as told:
        _predictor(f"grpc://{address}").predict(_BATCH)
    assert text not in told.value.sentence()


def test_a_server_that_is_too_slow_is_given_up() -> None:
    release = threading.Event()

    def infer(batch: Batch) -> Batch:
        release.wait(_PATIENCE_S)
        return threshold(batch)

    for kind in ("grpc", "http binary"):
        release.clear()
        with _server(kind, infer) as where:
            predictor = _predictor(where, timeout_s=0.2)
            with pytest.raises(BackendLost, match=r"within 0\.2 s"):
                predictor.predict(_BATCH)
            release.set()


def test_a_cancel_reaches_the_server() -> None:
    entered, left, finished = threading.Event(), threading.Event(), threading.Event()
    behaviour = Behaviour()

    def infer(batch: Batch) -> Batch:
        entered.set()
        left.wait(_PATIENCE_S / 2)
        finished.set()
        return threshold(batch)

    behaviour.infer = infer
    with grpc_server(behaviour) as address:
        predictor = _predictor(f"grpc://{address}", job=Job(entered))
        with pytest.raises(Stopped):
            predictor.predict(_BATCH)
        # The server is told that the call has ended while it still computes.
        assert behaviour.n_cancelled.acquire(timeout=_PATIENCE_S)
        assert not finished.is_set(), "the server was told while it computed"
        left.set()


def test_a_cancel_over_http_ends_our_waiting() -> None:
    entered, left, finished = threading.Event(), threading.Event(), threading.Event()

    def infer(batch: Batch) -> Batch:
        entered.set()
        left.wait(_PATIENCE_S / 2)
        finished.set()
        return threshold(batch)

    with _server("http binary", infer) as where:
        predictor = _predictor(where, job=Job(entered))
        with pytest.raises(Stopped):
            predictor.predict(_BATCH)
        assert not finished.is_set(), "nobody waits for the server"
        left.set()


_WRONG: dict[str, Callable[[Batch], Any]] = {
    "nothing": lambda batch: batch[:0],
    "one voxel less": lambda batch: batch[..., :-1],
    "other axes": lambda batch: np.ascontiguousarray(batch.reshape(1, 1, 32, 8, 16)),
    "two samples": lambda batch: np.concatenate((batch, batch)),
    "NaN": lambda batch: np.full_like(batch, np.nan),
    "infinity": lambda batch: np.full_like(batch, np.inf),
    "out of range": lambda batch: np.full_like(batch, 1e30),
    "too much": lambda batch: np.zeros((1, 1, 128, 128, 128), dtype=np.float32),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("wrong", [name for name in _WRONG if name != "too much"])
def test_an_answer_that_does_not_fit_is_not_used(kind: str, wrong: str) -> None:
    with _server(kind, _WRONG[wrong]) as where, pytest.raises(BackendLost, match="nothing of it"):
        _predictor(where).predict(_BATCH)


@pytest.mark.parametrize("kind", ["grpc", "http binary"])
def test_an_answer_that_is_far_too_large_is_not_taken_in(kind: str) -> None:
    with _server(kind, _WRONG["too much"]) as where, pytest.raises(BackendLost):
        _predictor(where).predict(_BATCH)


def _response(**changes: Any) -> bytes:
    response = messages.ModelInferResponse()
    for _ in range(changes.get("n_outputs", 1)):
        output = response.outputs.add(name="output", datatype=changes.get("datatype", "FP32"))
        output.shape.extend(changes.get("shape", _BATCH.shape))
    response.raw_output_contents.extend(changes.get("raw", [_BATCH.tobytes()]))
    return bytes(response.SerializeToString())


@pytest.mark.parametrize(
    "changes",
    [
        {"datatype": "FP16"},
        {"datatype": "UINT8"},
        {"shape": (1, 1, 16, 16, -16)},
        {"shape": (1,) * 40},
        {"shape": (1 << 40, 1, 1)},
        {"shape": ()},
        {"raw": [b""]},  # Triton's Python backend with numpy 2 does this and says OK
        {"raw": []},
        {"raw": [_BATCH.tobytes(), b""]},
        {"n_outputs": 0},
        {"n_outputs": 2},
    ],
)
def test_a_grpc_answer_is_looked_through(changes: dict[str, Any]) -> None:
    behaviour = Behaviour(infer=lambda _batch: _response(**changes))
    with grpc_server(behaviour) as address, pytest.raises(BackendLost, match="nothing of it"):
        _predictor(f"grpc://{address}").predict(_BATCH)


@given(st.binary(max_size=80) | st.binary(max_size=20).map(lambda data: _response() + data))
def test_whatever_bytes_a_server_sends_give_logits_or_a_sentence(data: bytes) -> None:
    _FUZZED.infer = lambda _batch: data
    with suppress(ViewerError):
        found = _FUZZED_CLIENT[0].predict(_BATCH)
        assert found.shape == _BATCH.shape
        assert np.isfinite(found).all()


_FUZZED = Behaviour()
_FUZZED_CLIENT: list[RemotePredictor] = []


@pytest.fixture(scope="module", autouse=True)
def _fuzzed_server() -> Iterator[None]:
    with grpc_server(_FUZZED) as address:
        _FUZZED_CLIENT.append(_predictor(f"grpc://{address}"))
        yield
        _FUZZED_CLIENT.clear()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@st.composite
def _http_replies(draw: st.DrawFn) -> Reply:
    import json

    words = draw(
        _JSON
        | st.fixed_dictionaries(
            {
                "outputs": st.lists(
                    st.fixed_dictionaries(
                        {"shape": _JSON | st.just([1, 1, 16, 16, 16]), "datatype": st.just("FP32")},
                        optional={"data": _JSON},
                    ),
                    max_size=2,
                )
            }
        )
    )
    body = draw(st.sampled_from([json.dumps(words).encode(), b"", b"\xff\xfe", b"[" * 5000]))
    length = draw(st.sampled_from(["", "0", "-1", "nine", "99999999999999", str(len(body))]))
    headers = {"Inference-Header-Content-Length": length} if length else {}
    return draw(st.sampled_from([200, 200, 200, 204, 302, 404, 500])), headers, body


@given(_http_replies())
def test_whatever_http_a_server_answers_gives_logits_or_a_sentence(reply: Reply) -> None:
    with http_server(protocol_reply(lambda _batch: reply)) as address:
        predictor = _predictor(f"http://{address}")
        with suppress(ViewerError):
            found = predictor.predict(_BATCH)
            assert found.shape == _BATCH.shape


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200", b"garbage\r\n\r\n", b"\x00" * 4000])
def test_what_is_no_http_at_all_is_a_sentence(data: bytes) -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for _ in range(2):
                with suppress(OSError):
                    connection, _peer = server.accept()
                    connection.recv(1000)
                    connection.sendall(data)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(ViewerError) as told:
            _predictor(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert "\n" not in told.value.sentence()


def test_a_server_with_another_network_under_this_name_is_refused() -> None:
    found = messages.ModelMetadataResponse(name="toy")
    for name in ("left", "right"):
        found.inputs.add(name=name, datatype="FP32", shape=[1, -1])
    behaviour = Behaviour(model=lambda _name: found)
    with grpc_server(behaviour) as address, pytest.raises(Unsupported, match="another network"):
        _predictor(f"grpc://{address}")


def test_other_weights_under_the_same_name_are_refused_and_unnamed_ones_told() -> None:
    for weights, n_notes in ((_CARD.weights_sha256, 0), ("", 1)):
        with grpc_server(Behaviour(weights_sha256=weights)) as address:
            assert len(_predictor(f"grpc://{address}").notes) == n_notes
    behaviour = Behaviour(weights_sha256="f" * 64)
    with grpc_server(behaviour) as address, pytest.raises(InputRefused, match="other weights"):
        _predictor(f"grpc://{address}")


def test_the_servers_own_names_of_input_and_output_are_used() -> None:
    found = messages.ModelMetadataResponse(name="toy")
    found.inputs.add(name="picture", datatype="FP32", shape=[-1, 1, -1, -1, -1])
    found.outputs.add(name="logits", datatype="FP32", shape=[-1, 1, -1, -1, -1])
    behaviour = Behaviour(model=lambda _name: found)
    with grpc_server(behaviour) as address:
        _predictor(f"grpc://{address}").predict(_BATCH)
    request = messages.ModelInferRequest.FromString(behaviour.received[-1])
    assert request.inputs[0].name == "picture"
    assert request.outputs[0].name == "logits"


def test_a_server_that_is_not_ready_yet_is_said_to_be_busy() -> None:
    behaviour = Behaviour(is_ready=False)
    with grpc_server(behaviour) as address, pytest.raises(OutOfResources, match="too busy"):
        _predictor(f"grpc://{address}")


@pytest.mark.parametrize(("name", "largest"), [("triton", 64 << 20), ("mlserver", 4 << 20)])
def test_tiles_are_cut_to_what_a_server_was_seen_to_take(name: str, largest: int) -> None:
    with grpc_server(Behaviour(name=name)) as address:
        card = a_card(tile_kji=(128, 256, 256))
        predictor = _predictor(f"grpc://{address}", card=card)
        assert 0.2 * largest < 4 * np.prod(predictor.suited(card).tile_kji) <= largest
        assert predictor.suited(_CARD) == _CARD
        assert predictor.predict(np.zeros((3, 1, 64, 96, 112), dtype=np.float32)).shape[0] == 3


def test_a_large_batch_goes_in_parts_that_a_server_takes_and_keeps_its_order() -> None:
    sizes: list[int] = []

    def infer(batch: Batch) -> Batch:
        sizes.append(len(batch))
        return threshold(batch)

    batch = np.random.default_rng(3).random((19, 1, 8, 8, 8), dtype=np.float32)
    with grpc_server(Behaviour(infer=infer)) as address:
        found = _predictor(f"grpc://{address}").predict(batch)
    np.testing.assert_array_equal(found, threshold(batch))
    assert sizes == [8, 8, 3]


def test_nothing_but_numbers_and_the_networks_key_is_sent() -> None:
    volume = a_volume((12, 20, 20), spacing_ijk_mm=(2, 2, 2), value_hu=0).build()
    behaviour = Behaviour()
    with grpc_server(behaviour) as address:
        predictor = _predictor(f"grpc://{address}")
        find(Scan.of(volume), _CARD, predictor, silent)
    requests = [messages.ModelInferRequest.FromString(data) for data in behaviour.received[4:]]
    assert requests
    for request in requests:
        assert request.model_name == _CARD.key
        assert (request.id, request.model_version, dict(request.parameters)) == ("", "", {})
        tensor = request.inputs[0]
        assert (tensor.name, tensor.datatype, dict(tensor.parameters)) == ("input", "FP32", {})
        values = np.frombuffer(request.raw_input_contents[0], dtype="<f4")
        assert 0 <= values.min() <= values.max() <= 1
    names = {key for key, _ in behaviour.headers}
    assert names <= {"user-agent"}, names


def _certificates(folder: Path) -> None:
    for name, more in (
        ("right", ["-addext", "subjectAltName=IP:127.0.0.1"]),
        ("other", ["-addext", "subjectAltName=DNS:elsewhere.example"]),
    ):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test"]
        command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run([*command, *more], check=True, capture_output=True)


def test_tls_is_checked_and_a_failure_names_it(tmp_path: Path) -> None:
    _certificates(tmp_path)
    key, certificate = ((tmp_path / name).read_bytes() for name in ("right.key", "right.pem"))
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    with grpc_server(Behaviour(), credentials) as address:
        trusted = str(tmp_path / "right.pem")
        found = _predictor(f"grpcs://{address}", root_certificates=trusted).predict(_BATCH)
        np.testing.assert_array_equal(found, threshold(_BATCH))
        other = str(tmp_path / "other.pem")
        for where, roots in ((f"grpcs://{address}", other), (f"grpc://{address}", "")):
            with pytest.raises(ViewerError) as told:
                _predictor(where, root_certificates=roots)
            assert "TLS" in told.value.sentence()
    with pytest.raises(InputRefused, match="cannot be read"):
        _predictor("grpcs://127.0.0.1:9", root_certificates=str(tmp_path / "none.pem"))


def test_https_is_checked_and_a_failure_names_it(tmp_path: Path) -> None:
    _certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "right.pem", tmp_path / "right.key")
    reply = protocol_reply(lambda batch: json_answer(threshold(batch)))
    with http_server(reply, context) as address:
        trusted = str(tmp_path / "right.pem")
        found = _predictor(f"https://{address}", root_certificates=trusted).predict(_BATCH)
        np.testing.assert_array_equal(found, threshold(_BATCH))
        for roots in ("", str(tmp_path / "other.pem")):
            with pytest.raises(InputRefused, match="TLS"):
                _predictor(f"https://{address}", root_certificates=roots)
    with http_server(reply) as address, pytest.raises(InputRefused, match="TLS"):
        _predictor(f"https://{address}", root_certificates=trusted)
    (tmp_path / "broken.pem").write_text("no certificate", encoding="ascii")
    with pytest.raises(InputRefused, match="cannot be used"):
        _predictor("https://127.0.0.1:9", root_certificates=str(tmp_path / "broken.pem"))


@given(st.text(max_size=30), st.text(max_size=60))
def test_every_status_means_something(code: str, text: str) -> None:
    assert isinstance(trouble_of(code, text), Trouble)


@given(
    st.lists(st.integers(-5, 20), max_size=7).map(tuple),
    st.sampled_from(["FP32", "INT8", ""]),
    st.integers(0, 70_000),
)
def test_only_the_one_right_shape_passes(shape: Any, datatype: str, n_bytes: int) -> None:
    with pytest.raises(WireFault):
        checked(Answer(datatype, shape, bytes(n_bytes)), _BATCH[..., :15], "segment")
