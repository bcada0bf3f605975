"""Where networks run: on this computer, and with what; or on a server."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from viewer.actions.context import Context, Notice
from viewer.actions.registry import Choice, action
from viewer.domain.card import NetworkCard
from viewer.errors import ViewerError
from viewer.inference import probe
from viewer.inference.backend import LOCAL, Backend
from viewer.inference.inventory import inventory
from viewer.inference.server_networks import MONAI_LABEL, ServerAnswer
from viewer.inference.servers import read_servers, remember, servers
from viewer.jobs.runner import Job, Outcomes

_TITLES = {"openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "torch": "torch"}
_HERE = "This computer"


@cache
def _local() -> tuple[tuple[str, Backend], ...]:
    """Return what this computer offers; it does not change while the program runs."""
    rows = [(f"{_HERE}: the fastest engine", Backend())]
    if probe.cuda_devices() and probe.torch_has_cuda():
        rows.append((f"{_HERE}: graphics card", Backend(device="cuda")))
        rows.append((f"{_HERE}: processor", Backend(device="cpu")))
    rows += [
        (f"{_HERE}: {_TITLES[name]} on the processor", Backend(device="cpu", engine=name))
        for name in probe.engines()
    ]
    if "openvino" in probe.engines():
        rows.append(
            (
                f"{_HERE}: OpenVINO in bfloat16 (faster, less exact)",
                Backend(device="cpu", engine="openvino", precision="bfloat16"),
            )
        )
    return tuple(rows)


def _kept() -> tuple[Backend, ...]:
    try:
        return servers()
    except ViewerError:
        return ()  # "Add servers" says what is wrong with the file


def _choices(context: Context) -> Sequence[Choice]:
    now = context.supervisor.backend
    rows = [*_local(), *((one.where, one) for one in _kept())]
    return [
        Choice(
            title,
            {
                "where": one.where,
                "engine": one.engine,
                "device": one.device,
                "precision": one.precision,
            },
            ticked=one == now,
        )
        for title, one in rows
    ]


@action("ai.backend", "Where networks run", group="Networks", choices=_choices, slow_choices=True)
def choose_backend(
    context: Context,
    *,
    where: str,
    engine: str = "auto",
    device: str = "auto",
    precision: str = "auto",
) -> Job[ServerAnswer] | None:
    """Let networks run on this computer with an engine of your choice, or on a server.

    A server gets pixels and geometry alone, no names, dates or identifiers.
    """
    backend = next((one for one in _kept() if one.where == where), Backend(where))
    backend = replace(backend, engine=engine, device=device, precision=precision)
    if where == LOCAL:
        _use(context, backend, ())
        context.door.tell(Notice("done", f"Networks run on {backend.short}."))
        return None

    def done(found: ServerAnswer) -> None:
        _use(context, backend, found.cards)
        context.door.tell(Notice("done", _said(backend, found)))

    return context.jobs.submit(
        lambda ticket: context.supervisor.server_facts(backend, ticket),
        Outcomes(done=done, failed=context.tell_fault),
        key="backend",
        title=f"Asking {backend.host_and_port}",
    )


def _use(context: Context, backend: Backend, cards: Sequence[NetworkCard]) -> None:
    """Take ``backend`` for the jobs that follow; the networks of an earlier server leave the list."""
    for key in [k for k, (card, _) in context.cards.items() if card.architecture == MONAI_LABEL]:
        del context.cards[key]
    context.cards.update({card.key: (card, Path()) for card in cards})
    context.supervisor.backend = backend


def _said(backend: Backend, found: ServerAnswer) -> str:
    has = ", ".join(found.networks) or "none of the networks here"
    name = f"{found.name} {found.version}".strip() or "A server"
    return f"Networks run on {backend.where}: {name}, which has {has}."


@action("ai.add_servers", "Add servers from a file…", group="Networks")
def add_servers(context: Context) -> None:
    """Keep the servers that a file names (TOML, tables [[server]] with ``where``), for the list.

    Each may name ``token_file``, ``root_certificates``, ``certificate``, ``private_key`` and
    ``timeout_s``; a token itself is never kept.
    """
    paths = context.door.ask_open("Servers for networks", folder=False)
    if not paths:
        return
    found = [one for path in paths for one in read_servers(path)]
    remember(*found)
    context.door.tell(
        Notice("done", f"Kept {len(found)} servers; choose one in the menu Networks.")
    )


@action("ai.backends", "What networks can run on", group="Networks")
def show_backends(context: Context) -> None:
    """Say which engines, devices and kinds of servers there are, and how to get what is missing."""
    context.door.show_text("What networks can run on", inventory_text(context))


def inventory_text(context: Context) -> str:
    """Return the inventory as lines for a person."""
    found = inventory(context.supervisor.backend)
    lines = [f"Networks run on {found['backend']}.", f"Cores: {found['cores']}", ""]
    for row in (*found["engines"], {**found["cuda"], "title": "CUDA"}, *found["protocols"]):
        words = " ".join(str(row.get(name, "")) for name in ("title", "version")).strip()
        lines.append(f"{words}: " + ("there" if row["there"] else f"{row['missing']}."))
        if not row["there"]:
            lines.append(f"    To get it: {row['get']}")
    lines += ["", *(f"Kept server: {one.where}" for one in _kept())]
    return "\n".join(lines)


def backend_text(context: Context) -> str:
    """Return where networks run in a few words, "" before anything of them was needed."""
    if "supervisor" not in vars(context):
        return ""
    return f"networks: {context.supervisor.backend.short}"
