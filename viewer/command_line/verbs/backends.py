"""``negatoscope backends``: what there is to compute networks with, and what a server has."""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from viewer.command_line.verb import OK, Verb, emit, plain


def _add(parser: argparse.ArgumentParser) -> None:
    from viewer.command_line.backend_options import add_backend

    add_backend(parser)
    parser.add_argument("--keep", action="store_true", help="keep the server of --backend")
    parser.add_argument("--forget", action="store_true", help="forget the server of --backend")


def _run(chosen: argparse.Namespace) -> int:
    document = backends(chosen)
    if chosen.json:
        emit(document)
        return OK
    for line in _lines(document):
        print(plain(line))
    return OK


def backends(chosen: argparse.Namespace) -> dict[str, Any]:
    """Return what is there, and, for a server's address, what it says of itself."""
    from viewer.command_line.backend_options import backend_from
    from viewer.inference.inventory import inventory
    from viewer.inference.servers import forget, remember, servers

    if chosen.forget:
        forget(str(chosen.backend))
    backend = backend_from(chosen)
    document = inventory(backend)
    if not backend.is_local and not chosen.forget:
        document["server"] = _asked(backend)
        if chosen.keep:
            path = str(chosen.token_file.resolve()) if chosen.token_file else backend.token_file
            remember(replace(backend, token="", token_file=path))
    document["servers"] = [one.where for one in servers()]
    return document


def _asked(backend: Any) -> dict[str, Any]:
    from viewer.inference.supervisor import Supervisor
    from viewer.jobs.job import Ticket

    supervisor = Supervisor()
    try:
        found = supervisor.server_facts(backend, Ticket())
    finally:
        supervisor.close()
    return {
        "where": backend.where,
        "name": found.name,
        "version": found.version,
        "is_ready": found.is_ready,
        "extensions": list(found.extensions),
        "networks": list(found.networks),
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"Networks run on: {document['backend']} (first choice: {document['default'] or 'none'})"
    cuda = {**document["cuda"], "title": "CUDA", "version": ", ".join(document["cuda"]["devices"])}
    for row in (*document["engines"], cuda, *document["protocols"]):
        there = "there" if row["there"] else f"missing: {row['missing']}; {row['get']}"
        yield f"  {row['title']} {row.get('version', '')}".rstrip() + f": {there}"
    server = document.get("server")
    if server is not None:
        ready = "ready" if server["is_ready"] else "not ready"
        networks = ", ".join(server["networks"]) or "none of these networks"
        yield f"{server['where']}: {server['name']} {server['version']}, {ready}; {networks}"
    for where in document["servers"]:
        yield f"kept: {where}"


VERB = Verb("backends", "say what networks can run on, and what is missing", _add, _run)
