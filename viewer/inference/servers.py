"""The servers that a reader has named: kept in ``servers.toml``, without their tokens."""

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from viewer import places
from viewer.errors import Damaged, InputRefused, OutOfResources
from viewer.inference.backend import Backend

FILE = "servers.toml"
_LARGEST = 1 << 18
_MOST = 100
_KEPT = (
    "where",
    "token_file",
    "root_certificates",
    "certificate",
    "private_key",
    "timeout_s",
)  # fmt: skip


def servers() -> tuple[Backend, ...]:
    """Return the servers that were named; () where none was.

    Raises
    ------
    Damaged
        Their file is broken: it is left as it is.
    """
    path = places.config_folder() / FILE
    return read_servers(path) if path.exists() else ()


def read_servers(path: Path) -> tuple[Backend, ...]:
    """Return the servers that a file describes: tables ``[[server]]`` with the entries of a backend.

    Raises
    ------
    Damaged
        It is no such file.
    InputRefused
        It cannot be read, or an address in it cannot be one.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise Damaged("The file of servers is far too large.", where=str(path))
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputRefused("The file of servers cannot be read.", where=str(path)) from error
    except ValueError as error:
        raise Damaged("The file of servers is no TOML.", where=str(path)) from error
    rows = table.get("server")
    if not isinstance(rows, list) or len(rows) > _MOST:
        raise Damaged("The file names no servers ([[server]]).", where=str(path))
    return tuple(_server(row, path) for row in rows)


def _server(row: Any, path: Path) -> Backend:
    if not isinstance(row, Mapping) or not set(row) <= set(_KEPT) or "where" not in row:
        raise Damaged(
            "A server in the file has an entry that is not known, or no address (where).",
            where=str(path),
            remedy=f"Known are: {', '.join(_KEPT)}.",
        )
    texts = [value for name, value in row.items() if name != "timeout_s"]
    timeout_s = row.get("timeout_s", 1.0)
    if not all(isinstance(text, str) for text in texts) or not isinstance(timeout_s, int | float):
        raise Damaged("A server in the file has an entry of the wrong kind.", where=str(path))
    backend = Backend(**row)
    if backend.is_local:
        raise InputRefused("This computer is no server.", where=str(path))
    return backend


def remember(*more: Backend) -> tuple[Backend, ...]:
    """Add servers to those that are kept, each in place of one at the same address; return all.

    Raises
    ------
    InputRefused
        One comes with a bare token: what is kept names the file that holds it.
    OutOfResources
        They cannot be written.
    """
    if any(one.token and not one.token_file for one in more):
        raise InputRefused(
            "A token is not kept, only the name of its file.", remedy="Give --token-file."
        )
    new = {one.where for one in more}
    kept = tuple(one for one in servers() if one.where not in new)
    return _written((*kept, *(replace(one, token="") for one in more)))


def forget(where: str) -> tuple[Backend, ...]:
    """Remove a server from those that are kept; return the others.

    Raises
    ------
    InputRefused
        There is none at this address.
    """
    there = servers()
    kept = tuple(one for one in there if one.where != where)
    if len(kept) == len(there):
        raise InputRefused(f"No server at {where} is kept.")
    return _written(kept)


def _written(kept: tuple[Backend, ...]) -> tuple[Backend, ...]:
    path = places.config_folder() / FILE
    lines: list[str] = []
    for one in kept:
        lines.append("[[server]]")
        for name in _KEPT:
            value = getattr(one, name)
            if value != getattr(Backend(), name):
                lines.append(f"{name} = {_toml(value)}")
        lines.append("")
    text = "\n".join(lines) if kept else "server = []\n"
    new = path.with_suffix(".new")
    try:
        new.write_text(text, encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise OutOfResources("The servers cannot be kept.", where=str(path)) from error
    return kept


def _toml(value: str | float) -> str:
    if isinstance(value, str):
        escaped = "".join(
            c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value
        )
        return f'"{escaped}"'
    return repr(value)
