"""A MONAI Label server as its contract has it (0.8.5, from its source and a live one)."""

import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.cards_for_tests import a_card
from tests.inference.fake_servers import Reply, http_server
from viewer.errors import BackendLost, InputRefused, Unsupported, ViewerError
from viewer.inference.backend import Backend
from viewer.inference.handover import Scan
from viewer.inference.supervisor import Supervisor
from viewer.inference.worker import monai_label
from viewer.jobs.job import Cancelled, Ticket
from viewer.testing.builders import a_volume

_PATIENCE_S = 20.0
_INFO = {
    "name": "MONAILabel - Fake",
    "labels": ["spleen"],
    "models": {
        "organs": {
            "type": "segmentation",
            "labels": {"spleen": 1, "liver": 2},
            "dimension": 3,
            "config": {"largest_cc": False, "roi": 96, "device": ["cpu"], "path": "/etc/passwd"},
        },
        "clicks": {"type": "deepgrow", "labels": {}, "dimension": 3, "config": {}},
    },
}
_VOLUME = (
    a_volume((6, 20, 24), spacing_ijk_mm=(1, 1.5, 3), value_hu=-100)
    .with_sphere(radius_mm=8, value_hu=80)
    .build()
)


@dataclass
class Fake:
    """Answers as the server does: ``output=image`` gives the file alone."""

    mask: Callable[[Any], Any] | None = None
    info: Any = field(default_factory=lambda: _INFO)
    bodies: list[bytes] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        self.paths.append(f"{method} {path}")
        self.bodies.append(body)
        self.headers.append(headers)
        if path == "/info/":
            return 200, {"Content-Type": "application/json"}, json.dumps(self.info).encode()
        parts = _parts(body, headers["content-type"])
        import nibabel  # what the fake reads and writes with

        kind: Any = nibabel.Nifti1Image
        image = kind.from_bytes(_unzipped(parts["file"]))
        values = np.asarray(image.dataobj)
        mask = (values > 0).astype(np.uint16) if self.mask is None else self.mask(values)
        if isinstance(mask, tuple):
            return mask
        made = kind(mask, image.affine)
        return 200, {"Content-Type": "application/octet-stream"}, made.to_bytes()


def _unzipped(data: bytes) -> bytes:
    import gzip

    return gzip.decompress(data)


def _parts(body: bytes, content_type: str) -> dict[str, bytes]:
    """Read the form as the standard library does."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    message: Any = email.message_from_bytes(head + body, policy=email.policy.HTTP)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True)
        for part in message.iter_parts()
    }


@pytest.fixture(scope="module")
def supervisor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervisor]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEGATOSCOPE_HOME", str(tmp_path_factory.mktemp("home")))
        made = Supervisor(cards={})
        made.warm()
    yield made
    made.close()


def test_the_servers_networks_appear_and_give_their_mask(supervisor: Supervisor) -> None:
    fake = Fake()
    with http_server(fake) as address:
        backend = Backend(f"monailabel://{address}", token="Bearer t")  # noqa: S106 - invented
        facts = supervisor.server_facts(backend, Ticket())
        (card,) = facts.cards
        assert facts.name == "MONAILabel - Fake"
        assert (card.key, card.classes, card.n_classes) == ("organs", ("spleen", "liver"), 3)
        supervisor.backend = backend
        result = supervisor.segment(_VOLUME, card, Ticket())
    np.testing.assert_array_equal(result.segmentation.labels, _VOLUME.stored > 0)
    assert result.segmentation.origin.device == f"monailabel://{address}"
    assert [segment.name for segment in result.segmentation.segments] == ["spleen"]
    assert any("computes on after a cancel" in note for note in result.notes)
    sent = json.loads(_parts(fake.bodies[-1], fake.headers[-1]["content-type"])["params"])
    assert sent == {"largest_cc": False, "roi": 96, "result_extension": ".nii.gz"}
    assert fake.headers[-1]["authorization"] == "Bearer t"


def test_pixels_and_geometry_alone_are_sent(supervisor: Supervisor) -> None:
    fake = Fake()
    with http_server(fake) as address:
        supervisor.backend = Backend(f"monailabel://{address}")
        (card,) = supervisor.server_facts(supervisor.backend, Ticket()).cards
        supervisor.segment(_VOLUME, card, Ticket())
    identity = _VOLUME.identity
    secrets = (
        identity.patient.name, identity.patient.id, identity.study.uid, identity.series.uid,
        identity.frame_of_reference_uid, identity.study.institution,
    )  # fmt: skip
    parts = _parts(fake.bodies[-1], fake.headers[-1]["content-type"])
    assert set(parts) == {"params", "file"}
    everything = b"".join(fake.bodies) + _unzipped(parts["file"]) + repr(fake.headers).encode()
    assert not [one for one in secrets if one and one.encode() in everything]
    assert set(fake.paths) == {"GET /info/", "POST /infer/organs?output=image"}


def test_a_cancel_is_quick_and_the_next_job_runs(supervisor: Supervisor) -> None:
    entered, left = threading.Event(), threading.Event()

    def mask(values: Any) -> Any:
        entered.set()
        left.wait(_PATIENCE_S)
        return (values > 0).astype(np.uint8)

    ticket = Ticket()

    def cancel() -> None:
        assert entered.wait(_PATIENCE_S)
        ticket.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with http_server(Fake(mask)) as address:
        supervisor.backend = Backend(f"monailabel://{address}")
        (card,) = supervisor.server_facts(supervisor.backend, Ticket()).cards
        pid = supervisor.status()["pid"]
        with pytest.raises(Cancelled):
            supervisor.segment(_VOLUME, card, ticket)
        left.set()
        assert supervisor.segment(_VOLUME, card, Ticket()).segmentation.labels.any()
        assert supervisor.status()["pid"] == pid
    thread.join()


def _asked(fake: Callable[..., Reply], **changes: Any) -> None:
    job = _Job()
    card = a_card(key="organs", architecture="monai_label", **changes)
    with http_server(fake) as address:
        backend = Backend(f"monailabel://{address}")
        monai_label.segmented(Scan.of(_VOLUME), card, backend, job, lambda _f, _t: None)


class _Job:
    def check(self) -> None:
        """Never cancelled."""

    def interrupting(self, stop: Callable[[], object]) -> Any:
        from contextlib import nullcontext

        del stop
        return nullcontext()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        ((500, {}, b"Internal Server Error"), BackendLost, "failed at"),
        ((200, {"Content-Type": "application/json"}, b"{}"), BackendLost, "failed at"),
        ((200, {}, b"not a mask"), BackendLost, "nothing of it was used"),
        ((200, {}, bytes(3_000_000)), BackendLost, "nothing of it was used"),
        ((403, {}, b"no"), InputRefused, "asks for a token"),
        ((404, {}, b"no"), Unsupported, "does not have"),
    ],
)
def test_each_refusal_is_one_sentence(reply: Reply, kind: type[ViewerError], words: str) -> None:
    with pytest.raises(kind, match=words) as told:
        _asked(Fake(lambda _values: reply))
    assert "\n" not in told.value.sentence()


@pytest.mark.parametrize(
    "mask",
    [
        lambda values: values[:-1].astype(np.uint8),
        lambda values: np.full(values.shape, 300, np.int16),
        lambda values: np.full(values.shape, 0.25, np.float32),
    ],
    ids=["shape", "range", "fractions"],
)
def test_a_mask_that_does_not_fit_is_not_used(mask: Callable[[Any], Any]) -> None:
    with pytest.raises(BackendLost, match="nothing of it was used"):
        _asked(Fake(mask))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=10,
)


@given(
    _JSON
    | st.fixed_dictionaries(
        {
            "models": st.dictionaries(
                st.text(max_size=6),
                _JSON
                | st.fixed_dictionaries(
                    {"type": st.just("segmentation"), "labels": _JSON, "config": _JSON}
                ),
                max_size=3,
            )
        }
    )
)
def test_whatever_a_server_says_of_itself_is_a_list_or_a_sentence(info: Any) -> None:
    with http_server(Fake(info=info)) as address, suppress(ViewerError):
        name, rows = monai_label.models(Backend(f"monailabel://{address}"))
        assert isinstance(name, str)
        assert all(0 < n <= 255 for row in rows.values() for n in row["labels"])


def test_our_own_networks_are_not_sent_to_such_a_server(supervisor: Supervisor) -> None:
    with http_server(Fake()) as address:
        supervisor.backend = Backend(f"monailabel://{address}")
        with pytest.raises(Unsupported, match="runs its own networks"):
            supervisor.segment(_VOLUME, a_card(), Ticket())
