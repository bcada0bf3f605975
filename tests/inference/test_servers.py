"""The servers that are kept, and what there is to compute with."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.cards_for_tests import a_card
from tests.inference.fake_servers import Behaviour, grpc_server
from viewer import places
from viewer.errors import InputRefused
from viewer.inference import probe
from viewer.inference.backend import Backend
from viewer.inference.inventory import inventory
from viewer.inference.servers import FILE, forget, read_servers, remember, servers
from viewer.inference.supervisor import Supervisor
from viewer.jobs.job import Ticket

_FIRST = Backend("grpcs://one:8001", root_certificates='/a b/"c\\d\n.pem', timeout_s=5.0)
_SECOND = Backend("monailabel://two:8000", token_file="/home/reader/token")  # noqa: S106


def test_servers_are_kept_and_forgotten() -> None:
    assert servers() == ()
    remember(_FIRST, _SECOND)
    assert servers() == (_FIRST, _SECOND)
    remember(Backend("grpcs://one:8001"))
    assert servers() == (_SECOND, Backend("grpcs://one:8001"))
    forget(_SECOND.where)
    forget("grpcs://one:8001")
    assert servers() == ()
    with pytest.raises(InputRefused, match="is kept"):
        forget(_SECOND.where)


def test_a_token_is_never_written() -> None:
    with pytest.raises(InputRefused, match="not kept"):
        remember(Backend("grpc://one", token="Bearer zyx"))  # noqa: S106 - invented
    remember(Backend("grpc://one", token="Bearer zyx", token_file="/t"))  # noqa: S106
    assert "zyx" not in (places.config_folder() / FILE).read_text(encoding="utf-8")


def test_a_token_is_read_when_a_job_begins(tmp_path: Path) -> None:
    path = tmp_path / "token"
    backend = Backend("grpc://one", token_file=str(path))
    with pytest.raises(InputRefused, match="cannot be read"):
        backend.to_table()
    path.write_text("Bearer new", encoding="ascii")
    assert backend.to_table()["token"] == path.read_text(encoding="ascii")


@given(st.text(max_size=30).filter(lambda text: "\ud800" not in text))
def test_paths_of_all_kinds_come_back(text: str) -> None:
    backend = Backend("grpc://one", root_certificates=text)
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    remember(backend)
    assert servers() == (backend,)


@pytest.mark.parametrize(
    "text",
    [
        "", "server = 3", "[[server]]", "[[server]]\nwhere = 3", "[[server]]\nwhere = 'local'",
        "[[server]]\nwhere = 'grpc://a'\npassword = 'x'", "[[server]]\nwhere = 'nonsense'",
        "[[server]]\nwhere = 'grpc://a'\ntimeout_s = 'long'", "\x00", "[[server]]\nwhere = 'grpc://",
        "[[server]]\nwhere = 'grpc://a'\ntoken = 'Bearer x'",
    ],
)  # fmt: skip
def test_a_broken_file_of_servers_is_one_sentence(text: str, tmp_path: Path) -> None:
    path = tmp_path / "servers.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputRefused) as told:
        read_servers(path)
    assert "\n" not in told.value.sentence()


def test_the_inventory_says_what_is_there_and_how_to_get_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "engines", lambda: {"torch": "2.13.0+cpu"})
    monkeypatch.setattr(probe, "clients", dict)
    monkeypatch.setattr(probe, "cuda_devices", lambda: ("Some GPU",))
    found = inventory()
    rows: dict[str, dict[str, Any]] = {row["engine"]: row for row in found["engines"]}
    assert found["default"] == "torch"
    assert rows["torch"]["there"]
    for row in (rows["openvino"], rows["onnxruntime"], found["cuda"], found["protocols"][0]):
        assert not row["there"]
        assert row["missing"]
        assert row["get"]
    assert "processor alone" in found["cuda"]["missing"]
    assert {row["scheme"]: row["there"] for row in found["protocols"]} == {
        "grpc": False,
        "http": True,
        "monailabel": True,
    }


def test_with_a_graphics_card_torch_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"openvino": "1", "torch": "2.13.0+cu130"}
    monkeypatch.setattr(probe, "engines", lambda: there)
    monkeypatch.setattr(probe, "cuda_devices", lambda: ("Some GPU", "Another"))
    found = inventory()
    assert found["default"] == "torch"
    assert found["cuda"] == {"there": True, "devices": ["Some GPU", "Another"]}
    assert inventory(Backend(device="cpu"))["default"] == "openvino"


def test_a_server_is_asked_for_its_name_and_our_networks(tmp_path: Path) -> None:
    supervisor = Supervisor(cards={"toy": (a_card(), tmp_path)})
    try:
        with grpc_server(Behaviour(name="triton")) as address:
            facts = supervisor.server_facts(Backend(f"grpc://{address}"), Ticket())
    finally:
        supervisor.close()
    assert (facts.name, facts.version, facts.networks, facts.cards) == ("triton", "9", ("toy",), ())
