"""Where a verb lets networks compute: its options, and what they come down to."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from viewer.inference.backend import DEVICES, ENGINES, LOCAL, PRECISIONS, Backend, token_from

if TYPE_CHECKING:
    from viewer.actions.context import Context


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where and with what to compute."""
    parser.add_argument(
        "--backend",
        metavar="local|URL",
        default=LOCAL,
        help="this computer, or a server: grpc://HOST:PORT, http://..., monailabel://...",
    )
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--engine", choices=ENGINES, default="auto")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="one line: the token")
    parser.add_argument("--root-certificates", metavar="PEM", default="", help="for TLS")
    parser.add_argument("--timeout", type=float, metavar="S", help="for one tile, 60 if not given")


def backend_from(chosen: argparse.Namespace) -> Backend:
    """Return the backend that the options name; a server that is kept brings what is kept of it.

    Raises
    ------
    InputRefused
        They name none that can be.
    """
    from viewer.inference.servers import servers

    where = str(chosen.backend)
    backend = next((one for one in servers() if one.where == where), Backend(where))
    backend = replace(
        backend, device=chosen.device, engine=chosen.engine, precision=chosen.precision
    )
    if chosen.token_file is not None:
        backend = replace(backend, token=token_from(chosen.token_file))
    if chosen.root_certificates:
        backend = replace(backend, root_certificates=chosen.root_certificates)
    if chosen.timeout is not None:
        backend = replace(backend, timeout_s=chosen.timeout)
    return backend


def use_backend(context: "Context", chosen: argparse.Namespace) -> None:
    """Let the networks of ``context`` compute where the options say; a server's own join the list.

    Raises
    ------
    InputRefused, BackendLost, OutOfResources
        The server does not answer, or refuses us.
    """
    from viewer.jobs.job import Ticket

    backend = backend_from(chosen)
    context.supervisor.backend = backend
    if backend.is_monai_label:
        found = context.supervisor.server_facts(backend, Ticket())
        context.cards.update({card.key: (card, Path()) for card in found.cards})
