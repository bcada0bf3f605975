"""Inference servers: what they are asked, what they are told, and how they may fail."""

import threading

import grpc  # noqa: TID253 - tests of servers need it at once
import numpy as np
import pytest
from tritonclient.grpc import service_pb2 as messages  # noqa: TID253

from tests.inference.cards_for_tests import ThresholdPredictor, a_card, silent
from tests.inference.fake_servers import (
    Batch,
    Behaviour,
    Refusal,
    grpc_server,
    threshold,
)
from tests.inference.remote_for_tests import (
    BATCH,
    CARD,
    KINDS,
    PATIENCE_S,
    Job,
    a_predictor,
    a_server,
)
from viewer.errors import BackendLost, InputRefused, OutOfResources, Unsupported, ViewerError
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.inference.worker.orders import Stopped
from viewer.testing.builders import a_volume


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_gives_the_mask_that_the_same_arithmetic_gives_here(kind: str) -> None:
    volume = (
        a_volume((12, 20, 20), spacing_ijk_mm=(2, 2, 2), value_hu=-900)
        .with_sphere(radius_mm=9.0, value_hu=200)
        .build()
    )
    card = a_card(tile_kji=(8, 16, 16))
    here = find(Scan.of(volume), card, ThresholdPredictor(), silent)
    with a_server(kind, threshold) as where:
        there = find(Scan.of(volume), card, a_predictor(where, card=card), silent)
    np.testing.assert_array_equal(there.labels, here.labels)


@pytest.mark.parametrize("kind", KINDS)
def test_the_right_token_opens_and_a_wrong_one_does_not_look_like_a_dead_server(kind: str) -> None:
    with a_server(kind, threshold, token="Bearer right") as where:  # noqa: S106 - invented
        found = a_predictor(where, token="Bearer right").predict(BATCH)  # noqa: S106
        np.testing.assert_array_equal(found, threshold(BATCH))
        for token, words in (("Bearer wrong", "refuses the token"), ("", "asks for a token")):
            with pytest.raises(InputRefused, match=words) as refused:
                a_predictor(where, token=token).predict(BATCH)
            assert "Bearer" not in refused.value.sentence()
            assert "does not answer" not in refused.value.sentence()


def test_nobody_there_is_one_sentence() -> None:
    for scheme in ("grpc", "http"):
        with pytest.raises(BackendLost, match="does not answer") as lost:
            a_predictor(f"{scheme}://127.0.0.1:9")
        assert "\n" not in lost.value.sentence()


def test_a_silent_server_is_asked_twice_and_a_restricted_one_once() -> None:
    for text, expected in (("connection lost", 2), ("This protocol is restricted", 1)):

        def infer(_batch: Batch, text: str = text) -> Batch:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, text)

        behaviour = Behaviour(infer=infer)
        with grpc_server(behaviour) as address, pytest.raises(ViewerError):
            a_predictor(f"grpc://{address}").predict(BATCH)
        assert behaviour.n_tiles == expected


def test_a_hiccup_costs_nothing() -> None:
    behaviour = Behaviour()

    def infer(batch: Batch) -> Batch:
        if behaviour.n_tiles == 1:
            raise Refusal(grpc.StatusCode.UNAVAILABLE, "Exceeds maximum queue size")
        return threshold(batch)

    behaviour.infer = infer
    with grpc_server(behaviour) as address:
        found = a_predictor(f"grpc://{address}").predict(BATCH)
    np.testing.assert_array_equal(found, threshold(BATCH))


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
        a_predictor(f"grpc://{address}").predict(BATCH)
    assert text not in told.value.sentence()


def test_a_server_that_is_too_slow_is_given_up() -> None:
    release = threading.Event()

    def infer(batch: Batch) -> Batch:
        release.wait(PATIENCE_S)
        return threshold(batch)

    for kind in ("grpc", "http binary"):
        release.clear()
        with a_server(kind, infer) as where:
            predictor = a_predictor(where, timeout_s=0.2)
            with pytest.raises(BackendLost, match=r"within 0\.2 s"):
                predictor.predict(BATCH)
            release.set()


def test_a_cancel_reaches_the_server() -> None:
    entered, left, finished = threading.Event(), threading.Event(), threading.Event()
    behaviour = Behaviour()

    def infer(batch: Batch) -> Batch:
        entered.set()
        left.wait(PATIENCE_S / 2)
        finished.set()
        return threshold(batch)

    behaviour.infer = infer
    with grpc_server(behaviour) as address:
        predictor = a_predictor(f"grpc://{address}", job=Job(entered))
        with pytest.raises(Stopped):
            predictor.predict(BATCH)
        # The server is told that the call has ended while it still computes.
        assert behaviour.n_cancelled.acquire(timeout=PATIENCE_S)
        assert not finished.is_set(), "the server was told while it computed"
        left.set()


def test_a_cancel_over_http_ends_our_waiting() -> None:
    entered, left, finished = threading.Event(), threading.Event(), threading.Event()

    def infer(batch: Batch) -> Batch:
        entered.set()
        left.wait(PATIENCE_S / 2)
        finished.set()
        return threshold(batch)

    with a_server("http binary", infer) as where:
        predictor = a_predictor(where, job=Job(entered))
        with pytest.raises(Stopped):
            predictor.predict(BATCH)
        assert not finished.is_set(), "nobody waits for the server"
        left.set()


def test_a_server_with_another_network_under_this_name_is_refused() -> None:
    found = messages.ModelMetadataResponse(name="toy")
    for name in ("left", "right"):
        found.inputs.add(name=name, datatype="FP32", shape=[1, -1])
    behaviour = Behaviour(model=lambda _name: found)
    with grpc_server(behaviour) as address, pytest.raises(Unsupported, match="another network"):
        a_predictor(f"grpc://{address}")


def test_other_weights_under_the_same_name_are_refused_and_unnamed_ones_told() -> None:
    for weights, n_notes in ((CARD.weights_sha256, 0), ("", 1)):
        with grpc_server(Behaviour(weights_sha256=weights)) as address:
            assert len(a_predictor(f"grpc://{address}").notes) == n_notes
    behaviour = Behaviour(weights_sha256="f" * 64)
    with grpc_server(behaviour) as address, pytest.raises(InputRefused, match="other weights"):
        a_predictor(f"grpc://{address}")


def test_the_servers_own_names_of_input_and_output_are_used() -> None:
    found = messages.ModelMetadataResponse(name="toy")
    found.inputs.add(name="picture", datatype="FP32", shape=[-1, 1, -1, -1, -1])
    found.outputs.add(name="logits", datatype="FP32", shape=[-1, 1, -1, -1, -1])
    behaviour = Behaviour(model=lambda _name: found)
    with grpc_server(behaviour) as address:
        a_predictor(f"grpc://{address}").predict(BATCH)
    request = messages.ModelInferRequest.FromString(behaviour.received[-1])
    assert request.inputs[0].name == "picture"
    assert request.outputs[0].name == "logits"


def test_a_server_that_is_not_ready_yet_is_said_to_be_busy() -> None:
    behaviour = Behaviour(is_ready=False)
    with grpc_server(behaviour) as address, pytest.raises(OutOfResources, match="too busy"):
        a_predictor(f"grpc://{address}")


@pytest.mark.parametrize(("name", "largest"), [("triton", 64 << 20), ("mlserver", 4 << 20)])
def test_tiles_are_cut_to_what_a_server_was_seen_to_take(name: str, largest: int) -> None:
    with grpc_server(Behaviour(name=name)) as address:
        card = a_card(tile_kji=(128, 256, 256))
        predictor = a_predictor(f"grpc://{address}", card=card)
        assert 0.2 * largest < 4 * np.prod(predictor.suited(card).tile_kji) <= largest
        assert predictor.suited(CARD) == CARD
        assert predictor.predict(np.zeros((3, 1, 64, 96, 112), dtype=np.float32)).shape[0] == 3


def test_a_large_batch_goes_in_parts_that_a_server_takes_and_keeps_its_order() -> None:
    sizes: list[int] = []

    def infer(batch: Batch) -> Batch:
        sizes.append(len(batch))
        return threshold(batch)

    batch = np.random.default_rng(3).random((19, 1, 8, 8, 8), dtype=np.float32)
    with grpc_server(Behaviour(infer=infer)) as address:
        found = a_predictor(f"grpc://{address}").predict(batch)
    np.testing.assert_array_equal(found, threshold(batch))
    assert sizes == [8, 8, 3]


def test_nothing_but_numbers_and_the_networks_key_is_sent() -> None:
    volume = a_volume((12, 20, 20), spacing_ijk_mm=(2, 2, 2), value_hu=0).build()
    behaviour = Behaviour()
    with grpc_server(behaviour) as address:
        predictor = a_predictor(f"grpc://{address}")
        find(Scan.of(volume), CARD, predictor, silent)
    requests = [messages.ModelInferRequest.FromString(data) for data in behaviour.received[4:]]
    assert requests
    for request in requests:
        assert request.model_name == CARD.key
        assert (request.id, request.model_version, dict(request.parameters)) == ("", "", {})
        tensor = request.inputs[0]
        assert (tensor.name, tensor.datatype, dict(tensor.parameters)) == ("input", "FP32", {})
        values = np.frombuffer(request.raw_input_contents[0], dtype="<f4")
        assert 0 <= values.min() <= values.max() <= 1
    names = {key for key, _ in behaviour.headers}
    assert names <= {"user-agent"}, names
