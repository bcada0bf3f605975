"""A real worker process: its results, its end, its cancel. Tiny networks, trained on the spot."""

import hashlib
import importlib.util
import json
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.inference.cards_for_tests import a_card
from tests.inference.fake_servers import Behaviour, grpc_server
from viewer.domain.card import NetworkCard
from viewer.domain.segmentation import OriginKind
from viewer.domain.volume import ImageStack
from viewer.errors import BackendLost, Damaged, InputRefused, Unsupported
from viewer.inference import probe
from viewer.inference.backend import Backend
from viewer.inference.cards import WEIGHTS
from viewer.inference.process import WorkerProcess
from viewer.inference.results import TrainingPlan
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Cancelled, Progress, Ticket
from viewer.testing.builders import a_segmentation, a_volume

NO_TORCH = "torch is not installed"
needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=NO_TORCH)

_SEGMENT = a_card(key="toy", min_volume_mm3=0.0, threshold=0.01)
_CLASSIFY = a_card(
    key="toy_shape",
    task="classify",
    architecture="lesion_cnn",
    spacing_ijk_mm=(1.5, 1.5, 1.5),
    calibration_half_width=0.2,
)
_SCENE = a_volume((20, 24, 28), spacing_ijk_mm=(2, 2, 2), value_hu=-850).with_sphere(
    radius_mm=9, value_hu=40
)


def _plan(card: NetworkCard, steps: int) -> TrainingPlan:
    volume = _SCENE.build()
    settings: dict[str, Any] = {
        "task": card.task,
        "architecture": card.architecture,
        "options": dict(card.options),
        "patch_kji": [16, 16, 16],
        "batch": 2,
        "steps": steps,
        "learning_rate": 0.01,
        "seed": 1,
        "time_limit_s": 60.0,
    }
    if card.task == "segment":
        grey = np.where(volume.stored > 0, 160, 20).astype(np.uint8)
        sample = {"grey": grey, "labels": (volume.stored > 0).astype(np.uint8)}
    else:
        views = np.random.default_rng(1).integers(0, 255, (4, 1, 16, 16, 16), dtype=np.uint8)
        sample = {"views": views, "targets": np.array([0, 1, 0, 1], dtype=np.uint8)}
    return TrainingPlan(settings, (sample,))


class Bench:
    """A supervisor with two tiny networks, and the states that it told."""

    def __init__(self, folder: Path) -> None:
        self.states: list[str] = []
        self.supervisor = Supervisor(self.states.append, cards={})
        self.cards: dict[str, NetworkCard] = {}
        self.folders: dict[str, Path] = {}
        for card in (_SEGMENT, _CLASSIFY):
            trained = self.supervisor.train(_plan(card, 3), Ticket())
            place = folder / card.key
            place.mkdir()
            (place / WEIGHTS).write_bytes(trained.weights)
            digest = hashlib.sha256(trained.weights).hexdigest()
            self.cards[card.key] = replace(card, weights_sha256=digest)
            self.folders[card.key] = place
            self.supervisor.install(self.cards[card.key], place)

    def long_job(self, ticket: Ticket) -> None:
        """Train for a minute, unless something happens."""
        self.supervisor.train(_plan(_SEGMENT, 1_000_000), ticket)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGATOSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        made = Bench(tmp_path_factory.mktemp("networks"))
    yield made
    made.supervisor.close()


def _during(first_step: Callable[[], None]) -> Ticket:
    """Return a ticket that calls ``first_step`` once, when the first step of work is reported."""
    done = threading.Event()

    def tell(progress: Progress) -> None:
        if "step" in progress.text and not done.is_set():
            done.set()
            first_step()

    return Ticket(tell)


@needs_torch
def test_a_network_gives_an_immutable_segmentation_that_says_where_it_comes_from(
    bench: Bench,
) -> None:
    picture, card = _SCENE.build(), bench.cards["toy"]
    result = bench.supervisor.segment(picture, card, Ticket())
    found = result.segmentation
    assert found.is_immutable
    assert found.origin.kind is OriginKind.NETWORK
    assert (found.origin.key, found.origin.version) == ("toy", "0.1")
    assert found.origin.sha256 == card.weights_sha256
    assert found.origin.device == result.device
    assert found.volume_key == picture.key
    assert found.grid == picture.grid
    numbers = [segment.number for segment in found.segments]
    assert numbers == list(range(1, int(found.labels.max()) + 1))
    assert found.segments[0].name == "Lesion 1"
    assert len({segment.tracking_uid for segment in found.segments}) == len(numbers)
    assert 0 < found.origin.elapsed_s <= result.seconds
    again = bench.supervisor.segment(picture, card, Ticket())
    np.testing.assert_array_equal(again.segmentation.labels, found.labels)
    assert again.segmentation.uid != found.uid


@needs_torch
def test_a_score_never_comes_bare(bench: Bench) -> None:
    picture = _SCENE.build()
    lesions = a_segmentation(picture, picture.stored > 0)
    card = bench.cards["toy_shape"]
    (score,) = bench.supervisor.classify(picture, lesions, card, Ticket()).values()
    assert 0 <= score.low <= score.value <= score.high <= 1
    assert score.high - score.low >= 0.2
    assert score.concept == card.concept
    assert score.model == "toy_shape 0.1"


@needs_torch
def test_nothing_that_identifies_a_person_leaves_for_the_worker(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    original = WorkerProcess.send

    def spy(self: WorkerProcess, header: Any, blobs: Any = ()) -> None:
        sent.append(json.dumps(header))
        original(self, header, blobs)

    monkeypatch.setattr(WorkerProcess, "send", spy)
    picture = _SCENE.build()
    bench.supervisor.segment(picture, bench.cards["toy"], Ticket())
    bench.supervisor.classify(
        picture, a_segmentation(picture, picture.stored > 0), bench.cards["toy_shape"], Ticket()
    )
    identity = picture.identity
    secrets = [
        *(getattr(identity.patient, name) for name in ("name", "id", "birth_date")),
        *(getattr(identity.study, name) for name in ("uid", "date", "time", "institution")),
        identity.series.uid,
        identity.frame_of_reference_uid,
        identity.series.description,
    ]
    assert len(sent) == 2
    for text in sent:
        assert not [secret for secret in secrets if f'"{secret}' in text]


@needs_torch
def test_a_cancel_is_over_within_a_second_and_the_worker_stays(bench: Bench) -> None:
    cancelled_s: list[float] = []
    pid = bench.supervisor.status()["pid"]

    def stop() -> None:
        cancelled_s.append(time.monotonic())
        ticket.cancel()

    ticket = _during(stop)
    with pytest.raises(Cancelled):
        bench.long_job(ticket)
    assert time.monotonic() - cancelled_s[0] < 1.0
    bench.supervisor.segment(_SCENE.build(), bench.cards["toy"], Ticket())
    assert bench.supervisor.status()["pid"] == pid


@needs_torch
def test_a_job_that_was_cancelled_before_it_began_does_nothing(bench: Bench) -> None:
    ticket = Ticket()
    ticket.cancel()
    picture = _SCENE.build()
    before = picture.stored.copy()
    with pytest.raises(Cancelled):
        bench.supervisor.segment(picture, bench.cards["toy"], ticket)
    np.testing.assert_array_equal(picture.stored, before)


@needs_torch
def test_two_jobs_take_turns(bench: Bench) -> None:
    results: list[int] = []

    def run() -> None:
        found = bench.supervisor.segment(_SCENE.build(), bench.cards["toy"], Ticket())
        results.append(int(found.segmentation.labels.sum()))

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(results) == 3
    assert len(set(results)) == 1


@needs_torch
def test_a_killed_worker_loses_one_job_and_the_next_one_works(bench: Bench) -> None:
    pid = bench.supervisor.status()["pid"]
    with pytest.raises(BackendLost) as lost:
        bench.long_job(_during(lambda: os.kill(pid, signal.SIGKILL)))
    assert "ended" in lost.value.what
    assert lost.value.remedy.startswith("Run the network again")
    assert "lost" in bench.states
    assert bench.supervisor.segment(_SCENE.build(), bench.cards["toy"], Ticket()).device
    assert bench.supervisor.status()["pid"] != pid


@needs_torch
def test_a_worker_that_hangs_is_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.supervisor.segment(_SCENE.build(), bench.cards["toy"], Ticket())
    pid = bench.supervisor.status()["pid"]
    monkeypatch.setattr(bench.supervisor, "_patience_s", 0.5)
    with pytest.raises(BackendLost, match="did not answer"):
        bench.long_job(_during(lambda: os.kill(pid, signal.SIGSTOP)))
    assert bench.supervisor.status()["state"] == "off"


@needs_torch
def test_weights_that_do_not_fit_their_card_are_refused_in_one_sentence(
    bench: Bench, tmp_path: Path
) -> None:
    sound = bench.folders["toy"] / WEIGHTS
    for name, data in (
        ("short", sound.read_bytes()[:-40]),
        ("other", (bench.folders["toy_shape"] / WEIGHTS).read_bytes()),
        ("text", b"not weights at all"),
    ):
        folder = tmp_path / name
        folder.mkdir()
        (folder / WEIGHTS).write_bytes(data)
        card = a_card(key=name, weights_sha256=hashlib.sha256(data).hexdigest())
        bench.supervisor.install(card, folder)
        with pytest.raises(Damaged, match="do not fit") as refused:
            bench.supervisor.segment(_SCENE.build(), card, Ticket())
        assert "\n" not in refused.value.sentence()


@needs_torch
def test_weights_with_a_wrong_hash_never_reach_the_worker(bench: Bench) -> None:
    forged = replace(bench.cards["toy"], weights_sha256="0" * 64)
    with pytest.raises(Damaged, match="not those its card names"):
        bench.supervisor.segment(_SCENE.build(), forged, Ticket())


@needs_torch
def test_an_unknown_architecture_is_refused(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / WEIGHTS).write_bytes(b"any")
    digest = hashlib.sha256(b"any").hexdigest()
    card = a_card(key="strange", architecture="oracle", weights_sha256=digest)
    bench.supervisor.install(card, tmp_path)
    with pytest.raises(Damaged, match="architecture that is not known here: oracle"):
        bench.supervisor.segment(_SCENE.build(), card, Ticket())


@needs_torch
def test_the_workers_own_refusal_arrives_as_the_same_error(bench: Bench) -> None:
    with pytest.raises(InputRefused, match="reads MR; this picture is CT"):
        bench.supervisor.segment(
            _SCENE.build(), replace(bench.cards["toy"], modality="MR"), Ticket()
        )


def test_without_torch_a_network_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch.py").write_text(
        "raise ModuleNotFoundError('no torch', name='torch')", encoding="utf-8"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    supervisor = Supervisor(cards={})
    try:
        with pytest.raises(Unsupported, match="torch is not installed") as refused:
            supervisor.train(_plan(_SEGMENT, 1), Ticket())
        assert "Install torch" in refused.value.remedy
        assert supervisor.status()["reason"] == "", "other engines may do without"
    finally:
        supervisor.close()


def test_another_copy_of_the_program_on_the_path_is_not_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "viewer"
    other.mkdir()
    (other / "__init__.py").write_text("raise SystemExit('not this one')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    states: queue.Queue[str] = queue.Queue()
    worker = WorkerProcess(states.put)
    try:
        assert states.get(timeout=120) == "ready"
    finally:
        worker.stop()


def test_pictures_that_form_no_volume_or_are_not_read_yet_are_refused() -> None:
    supervisor = Supervisor(cards={})
    whole = _SCENE.build()
    stack = ImageStack(
        whole.key, whole.stored, whole.grid, whole.quantity, whole.display, whole.identity
    )
    with pytest.raises(InputRefused, match="do not form one"):
        supervisor.segment(stack, _SEGMENT, Ticket())
    with pytest.raises(InputRefused, match="Not all slices"):
        supervisor.segment(_SCENE.build(loaded_k=np.zeros(20, dtype=bool)), _SEGMENT, Ticket())
    assert supervisor.status()["state"] == "off"
    supervisor.close()


def test_each_graphics_card_has_a_worker_of_its_own_and_jobs_queue_for_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The cards are named, not there: what counts is who sees which, and who waits."""
    monkeypatch.setattr(probe, "cuda_ids", lambda: ("GPU-a", "GPU-b"))
    seen: list[str] = []
    both = threading.Barrier(2, timeout=60)
    pids: set[int] = set()

    def infer(batch: Any) -> Any:
        both.wait()  # passes only if two jobs run at once
        return batch

    supervisor = Supervisor(cards={})
    card = a_card(tile_kji=(64, 64, 64), min_volume_mm3=0.0)
    behaviour = Behaviour(infer=infer)

    def run() -> None:
        supervisor.segment(_SCENE.build(), card, Ticket())

    try:
        with grpc_server(behaviour) as address:
            supervisor.backend = Backend(f"grpc://{address}")
            threads = [threading.Thread(target=run) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(90)
        for slot in supervisor._slots:
            assert slot.worker is not None
            pids.add(slot.worker.pid)
            variables = Path(f"/proc/{slot.worker.pid}/environ").read_bytes().split(b"\0")
            seen += [one.decode() for one in variables if one.startswith(b"CUDA_VISIBLE")]
    finally:
        supervisor.close()
    assert behaviour.n_tiles == 4
    assert len(pids) == 2
    assert seen == ["CUDA_VISIBLE_DEVICES=GPU-a", "CUDA_VISIBLE_DEVICES=GPU-b"]
