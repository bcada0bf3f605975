"""From the program through the worker to a server and back: the mask, the cancel, the wire."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.inference.cards_for_tests import ThresholdPredictor, a_card, silent
from tests.inference.fake_servers import Batch, Behaviour, grpc_server, threshold
from viewer import places
from viewer.domain.volume import Volume
from viewer.errors import BackendLost, InputRefused
from viewer.inference.backend import Backend
from viewer.inference.handover import Scan
from viewer.inference.pipeline import find
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Cancelled, Progress, Ticket
from viewer.testing.builders import a_volume

_CARD = a_card(tile_kji=(8, 16, 16))
_TOKEN = "Bearer quite-secret"  # noqa: S105 - invented
_PATIENCE_S = 20.0


def _volume() -> Volume:
    made = (
        a_volume((12, 20, 20), spacing_ijk_mm=(2, 2, 2), value_hu=-900)
        .with_sphere(radius_mm=9.0, value_hu=200)
        .build()
    )
    identity = made.identity
    patient = replace(identity.patient, name="Zzyzx^Quentin", id="PID-77123", birth_date="19310422")
    study = replace(identity.study, institution="St. Elsewhere", description="Private reason")
    series = replace(identity.series, description="Named series")
    return replace(made, identity=replace(identity, patient=patient, study=study, series=series))


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGATOSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        made = Supervisor(cards={})
        made.warm()
    yield made
    made.close()


def test_the_mask_of_a_server_and_nothing_that_identifies_on_the_wire(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("NEGATOSCOPE_HOME", str(tmp_path))
    volume = _volume()
    here = find(Scan.of(volume), _CARD, ThresholdPredictor(), silent)
    behaviour = Behaviour(token=_TOKEN)
    with grpc_server(behaviour) as address:
        supervisor.backend = Backend(f"grpc://{address}", token=_TOKEN)
        result = supervisor.segment(volume, _CARD, Ticket())
    np.testing.assert_array_equal(result.segmentation.labels, here.labels)
    assert result.segmentation.origin.device == f"grpc://{address}"
    assert dict(result.segmentation.origin.parameters)["engine"] == "fake 9"
    identity = volume.identity
    secrets = [
        "Zzyzx", "Quentin", "PID-77123", "19310422", "Elsewhere", "Private", "Named series",
        identity.study.uid, identity.series.uid, identity.frame_of_reference_uid,
    ]  # fmt: skip
    sent = b"".join(behaviour.received) + repr(behaviour.headers).encode()
    assert behaviour.n_tiles > 1
    assert not [secret for secret in secrets if secret and secret.encode() in sent]
    names = {key for key, _ in behaviour.headers}
    assert names == {"user-agent", "authorization", "triton-grpc-protocol-authorization"}
    log = (places.state_folder() / "inference.log").with_name("inference.log")
    assert not log.exists() or "quite-secret" not in log.read_text(encoding="utf-8")


def test_a_cancel_goes_all_the_way_to_the_server(supervisor: Supervisor) -> None:
    entered, left, finished = threading.Event(), threading.Event(), threading.Event()

    def infer(batch: Batch) -> Batch:
        entered.set()
        left.wait(_PATIENCE_S / 2)
        finished.set()
        return threshold(batch)

    behaviour = Behaviour(infer=infer)
    ticket = Ticket()

    def cancel() -> None:
        assert entered.wait(_PATIENCE_S)
        ticket.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with grpc_server(behaviour) as address:
        supervisor.backend = Backend(f"grpc://{address}")
        with pytest.raises(Cancelled):
            supervisor.segment(_volume(), _CARD, ticket)
        assert behaviour.n_cancelled.acquire(timeout=_PATIENCE_S)
        assert not finished.is_set(), "the server was told while it computed"
        left.set()
    thread.join()


def test_a_server_that_dies_in_the_middle_costs_one_job(supervisor: Supervisor) -> None:
    behaviour = Behaviour()
    told: list[str] = []
    with grpc_server(behaviour) as address:
        supervisor.backend = Backend(f"grpc://{address}")
        supervisor.segment(_volume(), _CARD, Ticket())
        pid = supervisor.status()["pid"]
    with pytest.raises(BackendLost, match="does not answer"):
        supervisor.segment(_volume(), _CARD, Ticket(lambda p: told.append(p.text)))
    assert told
    assert supervisor.status()["pid"] == pid, "the worker has nothing to do with it"


def test_progress_names_the_tiles_as_it_does_locally(supervisor: Supervisor) -> None:
    told: list[Progress] = []
    with grpc_server(Behaviour()) as address:
        supervisor.backend = Backend(f"grpc://{address}")
        supervisor.segment(_volume(), _CARD, Ticket(told.append))
    assert any(one.text.startswith("tile 2 of") for one in told)


def test_here_the_weights_are_needed_that_a_server_has(supervisor: Supervisor) -> None:
    supervisor.backend = Backend()
    with pytest.raises(InputRefused, match="no network called toy"):
        supervisor.segment(_volume(), _CARD, Ticket())
