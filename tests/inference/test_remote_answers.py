"""What an inference server may answer: anything, and nothing wrong of it is used."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tritonclient.grpc import service_pb2 as messages  # noqa: TID253

from tests.inference.fake_servers import (
    Batch,
    Behaviour,
    Reply,
    grpc_server,
    http_server,
    protocol_reply,
)
from tests.inference.remote_for_tests import (
    BATCH,
    KINDS,
    a_predictor,
    a_server,
)
from viewer.errors import BackendLost, ViewerError
from viewer.inference.worker.remote_grpc import trouble_of
from viewer.inference.worker.remote_predictor import RemotePredictor
from viewer.inference.worker.remote_wire import Answer, Trouble, WireFault, checked

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
    with a_server(kind, _WRONG[wrong]) as where, pytest.raises(BackendLost, match="nothing of it"):
        a_predictor(where).predict(BATCH)


@pytest.mark.parametrize("kind", ["grpc", "http binary"])
def test_an_answer_that_is_far_too_large_is_not_taken_in(kind: str) -> None:
    with a_server(kind, _WRONG["too much"]) as where, pytest.raises(BackendLost):
        a_predictor(where).predict(BATCH)


def _response(**changes: Any) -> bytes:
    response = messages.ModelInferResponse()
    for _ in range(changes.get("n_outputs", 1)):
        output = response.outputs.add(name="output", datatype=changes.get("datatype", "FP32"))
        output.shape.extend(changes.get("shape", BATCH.shape))
    response.raw_output_contents.extend(changes.get("raw", [BATCH.tobytes()]))
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
        {"raw": [BATCH.tobytes(), b""]},
        {"n_outputs": 0},
        {"n_outputs": 2},
    ],
)
def test_a_grpc_answer_is_looked_through(changes: dict[str, Any]) -> None:
    behaviour = Behaviour(infer=lambda _batch: _response(**changes))
    with grpc_server(behaviour) as address, pytest.raises(BackendLost, match="nothing of it"):
        a_predictor(f"grpc://{address}").predict(BATCH)


@given(st.binary(max_size=80) | st.binary(max_size=20).map(lambda data: _response() + data))
def test_whatever_bytes_a_server_sends_give_logits_or_a_sentence(data: bytes) -> None:
    _FUZZED.infer = lambda _batch: data
    with suppress(ViewerError):
        found = _FUZZED_CLIENT[0].predict(BATCH)
        assert found.shape == BATCH.shape
        assert np.isfinite(found).all()


_FUZZED = Behaviour()
_FUZZED_CLIENT: list[RemotePredictor] = []


@pytest.fixture(scope="module", autouse=True)
def _fuzzed_server() -> Iterator[None]:
    with grpc_server(_FUZZED) as address:
        _FUZZED_CLIENT.append(a_predictor(f"grpc://{address}"))
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
        predictor = a_predictor(f"http://{address}")
        with suppress(ViewerError):
            found = predictor.predict(BATCH)
            assert found.shape == BATCH.shape


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
            a_predictor(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert "\n" not in told.value.sentence()


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
        checked(Answer(datatype, shape, bytes(n_bytes)), BATCH[..., :15], "segment")
