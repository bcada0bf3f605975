"""A real NVIDIA Triton on the loopback, made by packaging/serving/triton_for_tests.py.

Where it runs: in the night profile, and where NEGATOSCOPE_TRITON names a folder for its environment
(370 MB, a minute to make, a second to start).
"""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from viewer.domain.card import NetworkCard
from viewer.errors import InputRefused, Unsupported
from viewer.imaging.agreement import dice
from viewer.inference.backend import Backend
from viewer.inference.cards import load_cards
from viewer.inference.serving import Serving, write_repository
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Cancelled, Ticket
from viewer.resources import resource_root
from viewer.testing.builders import a_volume

NO_TRITON = "a real Triton is started in the night profile, or where NEGATOSCOPE_TRITON is set"
_FOLDER = os.environ.get("NEGATOSCOPE_TRITON", "")
_IS_NIGHT = os.environ.get("HYPOTHESIS_PROFILE") == "night"
pytestmark = [
    pytest.mark.skipif(not (_FOLDER or _IS_NIGHT), reason=NO_TRITON),
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
]
_READY_S = 60.0
_SCENE = (
    a_volume((48, 60, 70), spacing_ijk_mm=(2, 2, 2), value_hu=-850)
    .with_sphere(radius_mm=7, value_hu=40)
    .build()
)


def _recipe() -> Any:
    """Return the script that makes the environment; it is no package."""
    path = Path(__file__).parents[2] / "packaging" / "serving" / "triton_for_tests.py"
    spec = importlib.util.spec_from_file_location("triton_for_tests", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Triton:
    """A server with the shipped networks, and how to reach it."""

    def __init__(self, folder: Path, models: Path, log: Path, more: tuple[str, ...] = ()) -> None:
        recipe = _recipe()
        try:
            recipe.make(folder)
        except recipe.CannotMake as error:
            pytest.skip(f"a real Triton cannot be made here: {error}")
        http, rpc = _free_port(), _free_port()
        self.folder, self.log = folder, log
        self.grpc, self.http = f"grpc://127.0.0.1:{rpc}", f"http://127.0.0.1:{http}"
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [*recipe.command(folder, models, http, rpc), "--log-verbose=1", *more],
                env=recipe.environment(folder, 2),
                stdout=file,
                stderr=file,
                cwd=folder,
            )
        self._wait()

    def _wait(self) -> None:
        pause = threading.Event()
        for _ in range(int(_READY_S / 0.2)):
            try:
                with urllib.request.urlopen(f"{self.http}/v2/health/ready", timeout=2):  # noqa: S310
                    return
            except (urllib.error.URLError, OSError):
                assert self.process.poll() is None, self.log.read_text(errors="replace")[-3000:]
                pause.wait(0.2)
        pytest.fail("Triton did not become ready")

    def stop(self) -> None:
        """End it, by force if it does not go."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _cards() -> dict[str, tuple[NetworkCard, Path]]:
    return {k: v for k, v in load_cards(resource_root() / "networks").items() if v[0].onnx_sha256}


@pytest.fixture(scope="module")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Triton]:
    models = tmp_path_factory.mktemp("models")
    write_repository(_cards().values(), models, Serving("python"))
    folder = Path(_FOLDER) if _FOLDER else tmp_path_factory.mktemp("triton")
    server = Triton(folder, models, tmp_path_factory.mktemp("log") / "triton.log")
    yield server
    server.stop()
    if not _FOLDER:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGATOSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        made = Supervisor(cards=_cards())
        made.warm()
    yield made
    made.close()


@pytest.mark.parametrize("way", ["grpc", "http"])
def test_the_same_arithmetic_gives_the_same_mask_bit_for_bit(
    triton: Triton, supervisor: Supervisor, way: str
) -> None:
    card = _cards()["lesions"][0]
    supervisor.backend = Backend(engine="onnxruntime")
    here = supervisor.segment(_SCENE, card, Ticket())
    assert here.segmentation.labels.any()
    supervisor.backend = Backend(getattr(triton, way))
    there = supervisor.segment(_SCENE, card, Ticket())
    np.testing.assert_array_equal(there.segmentation.labels, here.segmentation.labels)
    assert dict(there.segmentation.origin.parameters)["engine"] == "triton 2.51.0"
    assert not there.notes, "the server names the very weights"
    supervisor.backend = Backend(engine="openvino")
    other = supervisor.segment(_SCENE, card, Ticket()).segmentation.labels
    assert dice(there.segmentation.labels > 0, other > 0) > 0.999


def test_every_network_here_is_served_after_its_first_run(
    triton: Triton, supervisor: Supervisor
) -> None:
    found = supervisor.server_facts(Backend(triton.grpc), Ticket())
    assert set(found.networks) == set(_cards())
    assert (found.name, found.is_ready) == ("triton", True)
    assert "binary_tensor_data" in found.extensions


def test_a_classifier_scores_as_it_does_here(triton: Triton, supervisor: Supervisor) -> None:
    segmenter, classifier = (_cards()[key][0] for key in ("lesions", "lesion_shape"))
    supervisor.backend = Backend(engine="onnxruntime")
    found = supervisor.segment(_SCENE, segmenter, Ticket()).segmentation
    here = supervisor.classify(_SCENE, found, classifier, Ticket())
    supervisor.backend = Backend(triton.grpc)
    there = supervisor.classify(_SCENE, found, classifier, Ticket())
    assert {n: s.value for n, s in there.items()} == pytest.approx(
        {n: s.value for n, s in here.items()}, abs=1e-5
    )


def test_a_cancel_reaches_the_server_in_the_middle_of_a_tile(
    triton: Triton, supervisor: Supervisor
) -> None:
    card = _cards()["lesions"][0]
    supervisor.backend = Backend(triton.grpc)
    ticket = Ticket(lambda p: ticket.cancel() if p.text.startswith("tile") else None)
    with pytest.raises(Cancelled):
        supervisor.segment(_SCENE, card, ticket)
    supervisor.segment(_SCENE, card, Ticket())  # the server goes on serving, one at a time
    assert "cancelled in the middle of a tile" in triton.log.read_text(errors="replace")


def test_a_network_that_the_server_lacks_and_other_weights_are_refused(
    triton: Triton, supervisor: Supervisor
) -> None:
    card = _cards()["lesions"][0]
    supervisor.backend = Backend(triton.grpc)
    with pytest.raises(Unsupported, match="does not have"):
        supervisor.segment(_SCENE, replace(card, key="unheard_of"), Ticket())
    with pytest.raises(InputRefused, match="other weights"):
        supervisor.segment(_SCENE, replace(card, weights_sha256="0" * 64), Ticket())


def test_a_token_that_is_refused_does_not_look_like_a_dead_server(
    triton: Triton, supervisor: Supervisor, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    write_repository([_cards()["lesion_shape"], _cards()["lesions"]], models, Serving("python"))
    server = Triton(
        triton.folder,
        models,
        tmp_path / "log",
        (
            "--grpc-restricted-protocol=inference:authorization=Bearer right",
            "--http-restricted-api=inference:authorization=Bearer right",
        ),
    )
    try:
        card = _cards()["lesions"][0]
        for where in (server.grpc, server.http):
            supervisor.backend = Backend(where, token="Bearer right")  # noqa: S106 - invented
            assert supervisor.segment(_SCENE, card, Ticket()).segmentation.labels.any()
            supervisor.backend = Backend(where, token="Bearer wrong")  # noqa: S106 - invented
            with pytest.raises(InputRefused, match="refuses the token"):
                supervisor.segment(_SCENE, card, Ticket())
    finally:
        server.stop()
