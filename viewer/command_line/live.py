"""``negatoscope live``: one line of JSON an answer; the newest picture wins."""

import argparse
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from viewer.command_line.backend_options import use_backend
from viewer.command_line.classify import images_of
from viewer.command_line.host import command_context
from viewer.errors import InputRefused, ViewerError
from viewer.inference.image_jobs import ImageResult, classify_images
from viewer.inference.live import Live, NewestFrame, follow
from viewer.jobs.job import Cancelled, Ticket

_EVERY_S = 0.04
_MOST_FILES = 100_000


def live(chosen: argparse.Namespace) -> int:
    """Score pictures as they arrive in a folder; return how many were scored.

    Raises
    ------
    InputRefused
        There is no such folder or no such classifier.
    """
    folder: Path = chosen.folder
    if not folder.is_dir():
        raise InputRefused("There is no such folder.", where=str(folder), remedy="Check the path.")
    with command_context() as context:
        use_backend(context, chosen)
        if chosen.network not in context.cards:
            raise InputRefused(f"There is no network called {chosen.network}.")
        card, _ = context.cards[chosen.network]
        ticket, frames = Ticket(), NewestFrame[Path]()

        def compute(path: Path) -> "ImageResult | ViewerError":
            try:
                *_, newest = images_of(path)
                return classify_images(context.supervisor, [newest], card, Ticket())[0]
            except InputRefused as error:  # one picture that is none does not end the rest
                return error

        def tell(found: Live[Path, "ImageResult | ViewerError"]) -> bool:
            print(json.dumps(record(found)), flush=True)
            return not chosen.frames or found.number - found.n_left_out < chosen.frames

        watching = threading.Thread(
            target=watch, args=(folder, frames, ticket, chosen.seconds), daemon=True
        )
        watching.start()
        try:
            return follow(frames, compute, tell, ticket)
        except Cancelled:
            return 0
        finally:
            ticket.cancel()
            watching.join()


def watch(folder: Path, frames: NewestFrame[Path], ticket: Ticket, seconds: float) -> None:
    """Offer the newest picture of ``folder`` whenever one has arrived whole; stop with ``ticket``.

    A file counts once its size stayed the same between two looks. After ``seconds`` (0: never) the
    ticket is cancelled.
    """
    ends_s = time.monotonic() + seconds if seconds else float("inf")
    pause = threading.Event()
    ticket.when_cancelled(pause.set)
    seen: tuple[int, str, int] | None = None
    offered: tuple[int, str, int] | None = None
    while not pause.wait(_EVERY_S):
        if time.monotonic() > ends_s:
            ticket.cancel()
            return
        newest = newest_file(folder)
        if newest is not None and newest == seen and newest != offered:
            offered = newest
            frames.put(folder / newest[1])
        seen = newest


def newest_file(folder: Path) -> tuple[int, str, int] | None:
    """Return (time, name, size) of the file that changed last, None without one."""
    found: list[tuple[int, str, int]] = []
    with os.scandir(folder) as entries:
        for n, entry in enumerate(entries):
            if n >= _MOST_FILES:
                break
            if entry.name.startswith(".") or not entry.is_file(follow_symlinks=False):
                continue
            about = entry.stat(follow_symlinks=False)
            if about.st_size:
                found.append((about.st_mtime_ns, entry.name, about.st_size))
    return max(found, default=None)


def record(found: Live[Path, "ImageResult | ViewerError"]) -> dict[str, Any]:
    """Return an answer as plain values."""
    about: dict[str, Any] = {
        "input": found.frame.name,
        "latency_ms": round(found.latency_s * 1000, 1),
        "answers_per_s": round(found.rate_hz, 2),
        "left_out": found.n_left_out,
    }
    if isinstance(found.answer, ViewerError):
        return {**about, "error": found.answer.sentence()}
    classes = [
        {"name": c.name, "probability": round(c.probability, 6),
         "interval": [round(c.low, 6), round(c.high, 6)]}
        for c in found.answer.scores.classes
    ]  # fmt: skip
    return {**about, "classes": classes, "warnings": list(found.answer.scores.warnings)}
