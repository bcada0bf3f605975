"""Where networks run, chosen as a reader would."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.inference.fake_servers import Behaviour, grpc_server, http_server
from tests.inference.test_monai_label import Fake
from viewer.actions.backends import backend_text, inventory_text
from viewer.actions.context import Context, Notice
from viewer.actions.registry import actions
from viewer.command_line.host import CommandDoor
from viewer.errors import InputRefused
from viewer.extensions.discover import load_extensions
from viewer.inference.backend import Backend
from viewer.inference.cards import load_cards
from viewer.inference.servers import servers
from viewer.jobs.runner import QueueBridge, Runner
from viewer.session.pictures import Pictures
from viewer.session.session import Session
from viewer.session.viewing import Viewing


class Told:
    """A door that keeps what it is told and gives the files that a test wants."""

    def __init__(self, inner: Any, files: tuple[Path, ...] = ()) -> None:
        self._inner, self.files = inner, files
        self.notices: list[Notice] = []
        self.texts: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)

    def ask_open(self, title: str, *, folder: bool) -> tuple[Path, ...]:
        del title, folder
        return self.files

    def show_text(self, title: str, text: str) -> None:
        self.texts.append(f"{title}\n{text}")


@pytest.fixture
def bridge() -> QueueBridge:
    return QueueBridge()


@pytest.fixture
def context(bridge: QueueBridge) -> Iterator[Context]:
    made = Context(
        session=Session(),
        viewing=Viewing(),
        pictures=Pictures(),
        jobs=Runner(bridge.post),
        extensions=load_extensions(),
        door=Told(CommandDoor()),  # passes all else on
        cards=load_cards(),
    )
    yield made
    made.close()


def _run(context: Context, id_: str, **parameters: Any) -> Any:
    return actions()[id_].function(context, **parameters)


def test_the_engine_is_a_choice_and_the_chosen_one_is_ticked(context: Context) -> None:
    choices = actions()["ai.backend"].choices
    assert choices is not None
    assert backend_text(context) == "" or "this computer" in backend_text(context)
    rows = choices(context)
    assert [row.ticked for row in rows].index(True) == 0
    other = next(row for row in rows if "torch" in row.title)
    _run(context, "ai.backend", **other.parameters)
    assert context.supervisor.backend == Backend(device="cpu", engine="torch")
    assert "torch" in backend_text(context)
    (ticked,) = [row.title for row in choices(context) if row.ticked]
    assert ticked == other.title


def test_servers_of_a_file_join_the_choices(context: Context, tmp_path: Path) -> None:
    path = tmp_path / "hospital.toml"
    path.write_text('[[server]]\nwhere = "grpcs://ai.example:8001"\n', encoding="utf-8")
    door: Any = context.door
    door.files = (path,)
    _run(context, "ai.add_servers")
    assert [one.where for one in servers()] == ["grpcs://ai.example:8001"]
    choices = actions()["ai.backend"].choices
    assert choices is not None
    assert "grpcs://ai.example:8001" in [row.title for row in choices(context)]
    path.write_text("not TOML [", encoding="utf-8")
    with pytest.raises(InputRefused):
        _run(context, "ai.add_servers")
    assert len(servers()) == 1


def test_what_there_is_can_be_read(context: Context) -> None:
    _run(context, "ai.backends")
    door: Any = context.door
    assert "OpenVINO" in door.texts[0]
    assert "To get it" in inventory_text(context)


def test_a_server_is_asked_before_networks_run_on_it(context: Context, bridge: QueueBridge) -> None:
    door: Any = context.door
    with grpc_server(Behaviour(name="triton")) as address:
        job = _run(context, "ai.backend", where=f"grpc://{address}")
        while not job.is_over:
            assert bridge.pump(30.0)
    assert context.supervisor.backend.where == f"grpc://{address}"
    assert "triton 9, which has" in door.notices[-1].text
    job = _run(context, "ai.backend", where="grpc://127.0.0.1:9")
    while not job.is_over:
        assert bridge.pump(30.0)
    assert door.notices[-1].kind != "done"
    assert context.supervisor.backend.where == f"grpc://{address}", "a dead server is not taken"


def test_the_networks_of_a_monai_label_server_come_and_go(
    context: Context, bridge: QueueBridge
) -> None:
    before = set(context.cards)
    with http_server(Fake()) as address:
        job = _run(context, "ai.backend", where=f"monailabel://{address}")
        while not job.is_over:
            assert bridge.pump(30.0)
    assert set(context.cards) - before == {"organs"}
    choices = actions()["ai.run"].choices
    assert choices is not None
    assert {"network": "organs"} in [row.parameters for row in choices(context)]
    _run(context, "ai.backend", where="local")
    assert set(context.cards) == before
