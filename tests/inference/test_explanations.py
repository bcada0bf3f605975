"""Explanations asked of the worker: where they lie on the picture, and what is refused."""

import importlib.util
from collections.abc import Iterator

import numpy as np
import pytest

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused, Unsupported
from viewer.inference import probe
from viewer.inference.backend import Backend
from viewer.inference.cards import load_card
from viewer.inference.explanation_methods import METHODS, method_called
from viewer.inference.explanations import explain_image, onto_picture
from viewer.inference.image_jobs import GreyImage
from viewer.inference.messages import Message
from viewer.inference.supervisor import Supervisor
from viewer.inference.worker import explain_tasks
from viewer.jobs.job import Cancelled, Ticket
from viewer.resources import resource

needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None, reason="torch is not installed"
)


def card_of(key: str) -> NetworkCard:
    return load_card(resource("networks", key, "card.toml").parent)


@pytest.fixture(scope="module")
def supervisor() -> Iterator[Supervisor]:
    found = Supervisor()
    yield found
    found.close()


@pytest.mark.parametrize("how", ["crop", "pad"])
def test_a_map_lies_where_the_network_saw_it(how: str) -> None:
    seen = np.zeros((8, 8), dtype=np.float32)
    seen[2, 5] = 1.0
    found = onto_picture(seen, (40, 80), how)
    assert found.shape == (40, 80)
    j, i = np.unravel_index(int(np.nanargmax(found)), found.shape)
    # The square's cell (2, 5) has its middle at 2.5/8 and 5.5/8 of the square's side.
    side, down, right = (40, 0, 20) if how == "crop" else (80, -20, 0)
    assert j == pytest.approx(down + side * 2.5 / 8, abs=side / 16 + 1)
    assert i == pytest.approx(right + side * 5.5 / 8, abs=side / 16 + 1)
    assert np.isnan(found[:, :20]).all() == (how == "crop")


@needs_torch
@pytest.mark.parametrize("method", METHODS)
def test_each_method_explains_a_film(supervisor: Supervisor, method: str) -> None:
    film = np.random.default_rng(8).random((40, 60)).astype(np.float32)
    card = card_of("chest_pneumonia")
    image = GreyImage("film", film, "DX")
    found = explain_image(supervisor, image, card, METHODS[method], "pneumonia", Ticket())
    assert found.values.shape == film.shape
    assert np.isnan(found.values[:, :10]).all()
    inside = found.values[:, 10:50]
    assert np.abs(inside).max() <= 1.0 + 1e-6
    # Two classes: what speaks for the one speaks against the other.
    other = explain_image(supervisor, image, card, METHODS[method], "normal", Ticket())
    if method != "grad_cam":
        np.testing.assert_allclose(other.values[:, 10:50], -inside, atol=1e-4)
    else:
        assert (inside >= 0).all()


def test_a_cancelled_explanation_gives_none(supervisor: Supervisor) -> None:
    ticket = Ticket()
    ticket.cancel()
    image = GreyImage("film", np.ones((28, 28), dtype=np.float32))
    with pytest.raises(Cancelled):
        explain_image(
            supervisor, image, card_of("chest_pneumonia"), METHODS["occlusion"], "normal", ticket
        )


@pytest.mark.parametrize(
    ("table", "backend"),
    [
        ({"title": "Foreign", "architecture": "onnx"}, Backend()),
        ({"title": "Ours", "architecture": "image_cnn"}, Backend(where="grpc://here:8001")),
    ],
)
def test_without_gradients_occlusion_is_offered(
    table: dict[str, str], backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "engines", lambda: {"torch": "2"})
    message = Message({"kind": "explain_image", "card": table, "backend": backend.to_table()})
    with pytest.raises(Unsupported, match="gradients") as caught:
        explain_tasks.with_torch(message)
    assert "occlusion" in caught.value.remedy


def test_without_torch_the_reader_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "engines", dict)
    message = Message({"kind": "explain_image", "card": {}, "backend": {}})
    with pytest.raises(Unsupported, match="not installed"):
        explain_tasks.with_torch(message)


def test_what_nobody_knows_is_refused(supervisor: Supervisor) -> None:
    with pytest.raises(InputRefused, match="sense"):
        method_called("sense")
    image = GreyImage("film", np.ones((28, 28), dtype=np.float32))
    grad_cam = METHODS["grad_cam"]
    with pytest.raises(InputRefused, match="tuberculosis"):
        explain_image(
            supervisor, image, card_of("chest_pneumonia"), grad_cam, "tuberculosis", Ticket()
        )
    with pytest.raises(InputRefused, match="classify"):
        explain_image(supervisor, image, card_of("lesions"), grad_cam, "x", Ticket())
