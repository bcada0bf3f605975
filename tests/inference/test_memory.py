"""A device with too little memory, or one that goes away: smaller tiles, then the processor."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.inference.cards_for_tests import a_card
from viewer.domain.card import NetworkCard
from viewer.errors import OutOfResources
from viewer.inference.backend import Backend
from viewer.inference.cards import card_to_table
from viewer.inference.messages import Message
from viewer.inference.predictor import DeviceLost, NoRoom
from viewer.inference.worker import tasks
from viewer.inference.worker.tasks import Tasks, with_tiles_that_fit

_CARD = a_card(tile_kji=(80, 112, 112))


class Device:
    """Takes tiles of up to ``most`` voxels; tells which it was asked for."""

    name, precision = "fake", "float32"

    def __init__(self, most: float, device: str = "Some GPU", fault: type = NoRoom) -> None:
        self.most, self.device, self._fault = most, device, fault
        self.tiles: list[tuple[int, int, int]] = []

    def begin(self) -> None:
        """Do nothing."""

    def suited(self, card: NetworkCard) -> NetworkCard:
        return card

    def predict(self, batch: NDArray[np.float32]) -> NDArray[np.float32]:
        if batch.size > self.most:
            raise self._fault
        return batch

    def work(self, card: NetworkCard, _engine: Any) -> str:
        self.tiles.append(card.tile_kji)
        self.predict(np.zeros((1, 1, *card.tile_kji), dtype=np.float32))
        return "done"


def test_tiles_shrink_until_they_fit_and_the_reader_is_told() -> None:
    device, notes = Device(200_000), []  # type: tuple[Device, list[str]]
    assert with_tiles_that_fit(device, _CARD, device.work, notes) == "done"
    volumes = [int(np.prod(tile)) for tile in device.tiles]
    assert volumes == sorted(volumes, reverse=True)
    assert volumes[-1] <= 200_000 < volumes[-2]
    assert notes == ["Some GPU took smaller tiles than the card says: 40 x 56 x 56."]


def test_a_tile_that_fits_at_once_needs_no_word() -> None:
    device, notes = Device(1e9), []  # type: tuple[Device, list[str]]
    with_tiles_that_fit(device, _CARD, device.work, notes)
    assert (notes, device.tiles) == ([], [_CARD.tile_kji])


class _Orders:
    def report(self, _fraction: float, _text: str) -> None:
        """Tell nobody."""

    def check(self) -> None:
        """Never cancelled."""


def _computed(
    monkeypatch: pytest.MonkeyPatch, gpu: Device, cpu: Device, backend: Backend | None = None
) -> tuple[str, Any, tuple[str, ...]]:
    """Run a job where ``gpu`` is what the program chooses, and ``cpu`` what is left."""

    def engine_for(_card: Any, _forms: Any, chosen: Backend, _orders: Any) -> Any:
        return (cpu if chosen.device == "cpu" else gpu), ()

    monkeypatch.setattr(tasks, "engine_for", engine_for)
    header = {
        "kind": "segment",
        "card": card_to_table(_CARD),
        "forms": ["safetensors"],
        "backend": (backend or Backend()).to_table(),
    }
    devices = {"Some GPU": gpu, "CPU, 2 threads": cpu}
    return Tasks(_Orders()).computed(  # type: ignore[arg-type]
        Message(header, (b"weights",)),
        lambda card, engine: devices[engine.device].work(card, engine),
    )


@pytest.mark.parametrize(
    ("fault", "words"), [(NoRoom, "had too little memory"), (DeviceLost, "went away")]
)
def test_the_processor_takes_over_with_a_notice(
    monkeypatch: pytest.MonkeyPatch, fault: type, words: str
) -> None:
    cpu = Device(1e9, "CPU, 2 threads")
    found, engine, notes = _computed(monkeypatch, Device(10, fault=fault), cpu)
    assert (found, engine) == ("done", cpu)
    assert len(notes) == 1
    assert words in notes[0]
    assert "ran on the processor" in notes[0]


def test_where_nothing_fits_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OutOfResources, match="does not suffice"):
        _computed(monkeypatch, Device(10), Device(10, "CPU, 2 threads"))


def test_a_server_is_not_replaced_silently_by_this_computer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cpu = Device(1e9, "CPU, 2 threads")
    with pytest.raises(OutOfResources):
        _computed(monkeypatch, Device(10), cpu, Backend("grpc://server"))
    assert not cpu.tiles


def test_weights_come_once_and_serve_the_jobs_that_follow() -> None:
    jobs = Tasks(_Orders())  # type: ignore[arg-type]
    first = Message({"forms": ["safetensors", "onnx"]}, (b"one", b"two"))
    assert jobs._forms_of(_CARD, first) == {"safetensors": b"one", "onnx": b"two"}
    assert jobs._forms_of(_CARD, Message({})) == {"safetensors": b"one", "onnx": b"two"}
    other = replace(_CARD, weights_sha256="1" * 64)
    with pytest.raises(Exception, match="did not reach"):
        jobs._forms_of(other, Message({}))
