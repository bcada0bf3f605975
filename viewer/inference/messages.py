"""Messages between the program and its worker: a JSON header and binary blobs, never pickle.

On the wire: the magic ``NGT1``, the header's length (uint32, big-endian), the header (UTF-8 JSON;
its entry ``blobs`` lists their lengths in bytes), then the blobs one after the other.
"""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from viewer.errors import BackendLost

_MAGIC = b"NGT1"
_LARGEST_HEADER = 1 << 24
_LARGEST_BLOB = 1 << 34


@dataclass(frozen=True)
class Message:
    """``header`` always has ``kind`` (str); ``number`` says which job a message belongs to."""

    header: Mapping[str, Any]
    blobs: tuple[bytes, ...] = ()

    @property
    def kind(self) -> str:
        """What this message is about."""
        return str(self.header.get("kind", ""))

    @property
    def number(self) -> int:
        """The job that it belongs to, 0 for none."""
        return int(self.header.get("number", 0))


def send(
    stream: IO[bytes], header: Mapping[str, Any], blobs: Sequence[bytes | memoryview] = ()
) -> None:
    """Write one message and flush."""
    views = [memoryview(blob).cast("B") for blob in blobs]
    text = json.dumps({**header, "blobs": [len(view) for view in views]}).encode()
    stream.write(_MAGIC + struct.pack(">I", len(text)) + text)
    stream.writelines(views)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | None:
    """Return the next message, None when the other side has closed.

    Raises
    ------
    BackendLost
        What came is no message, or ended within one.
    """
    start = stream.read(8)
    if not start:
        return None
    if len(start) < 8 or start[:4] != _MAGIC:
        raise BackendLost("The inference process sent something that is no message.")
    header = json.loads(_exactly(stream, struct.unpack(">I", start[4:])[0], _LARGEST_HEADER))
    blobs = tuple(_exactly(stream, int(n), _LARGEST_BLOB) for n in header.pop("blobs"))
    return Message(header, blobs)


def _exactly(stream: IO[bytes], n_bytes: int, limit: int) -> bytes:
    if not 0 <= n_bytes <= limit:
        raise BackendLost("The inference process announced a message of a nonsense size.")
    data = stream.read(n_bytes)
    if len(data) != n_bytes:
        raise BackendLost("The inference process ended in the middle of a message.")
    return data
