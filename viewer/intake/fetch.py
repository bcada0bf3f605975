"""The bytes of single frames out of files: native by position, compressed by their fragments."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from struct import unpack, unpack_from

import numpy as np
from numpy.typing import NDArray

from viewer.errors import Damaged
from viewer.intake.header import inflated
from viewer.intake.layout import PixelFile
from viewer.intake.video import Video

_COPY_AGAIN = "Copy the file again from its source."
_ITEM = b"\xfe\xff\x00\xe0"
_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\x00\x00\x00\x0cjP", b"\xff\x0a")
Fragment = tuple[int, int]  # offset in the file, length


class OpenFile:
    """One file with pixels, open for reading from several threads."""

    def __init__(self, file: PixelFile) -> None:
        self.file = file
        self._number = os.open(file.path, os.O_RDONLY)
        self._content: bytes | None = None
        self._index: list[list[Fragment]] | None = None
        self._video: Video | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give the file back."""
        os.close(self._number)
        if self._video is not None:
            self._video.close()

    def fill(self, target: memoryview, index: int) -> None:
        """Read native frame ``index`` straight into ``target``."""
        if os.preadv(self._number, [target], self._native_offset(index)) != len(target):
            raise Damaged("The file ends before its pixels do.", remedy=_COPY_AGAIN)

    def _native_offset(self, index: int) -> int:
        return self.file.offset + self.file.layout.frame_bits * index // 8

    def native(self, index: int) -> bytes:
        """Return the bytes of native frame ``index``, from the byte with its first bit on."""
        layout = self.file.layout
        start_bit = layout.frame_bits * index
        length = (start_bit % 8 + layout.frame_bits + 7) // 8
        first = start_bit // 8
        if not self.file.is_swapped:
            return self._read(self.file.offset + first, length)
        skipped = first % 2
        whole = (skipped + length + 1) // 2 * 2
        words = bytearray(self._read(self.file.offset + first - skipped, whole))
        words[0::2], words[1::2] = words[1::2], words[0::2]
        return bytes(words[skipped : skipped + length])

    def compressed(self, index: int) -> bytes:
        """Return the joined fragments of compressed frame ``index``."""
        with self._lock:
            if self._index is None:
                self._index = self._frames()
        if index >= len(self._index):
            raise Damaged(f"Frame {index + 1} is not in the file.", remedy=_COPY_AGAIN)
        return b"".join(self._read(offset, length) for offset, length in self._index[index])

    def video(self, index: int) -> NDArray[np.uint8]:
        """Return frame ``index`` of a video (rows, columns, 3) as RGB; decoded once, as a whole."""
        with self._lock:
            if self._video is None:
                fragments = self._fragments()[1:]
                stream = b"".join(self._read(offset, length) for offset, length in fragments)
                self._video = Video(stream, self.file.layout, self.file.n_frames)
        return self._video.frame(index)

    def _read(self, offset: int, length: int) -> bytes:
        if self.file.deflated_at is not None:
            data = self._inflated()[offset : offset + length]
        else:
            data = os.pread(self._number, length, offset)
        if len(data) != length:
            raise Damaged("The file ends before its pixels do.", remedy=_COPY_AGAIN)
        return data

    def _inflated(self) -> bytes:
        with self._lock:
            if self._content is None:
                raw = Path(self.file.path).read_bytes()
                self._content = inflated(raw[self.file.deflated_at :])
            return self._content

    def _frames(self) -> list[list[Fragment]]:
        """Return the fragments of every frame (PS3.5 A.4)."""
        fragments = self._fragments()
        if not fragments:
            raise Damaged("The compressed pixels are missing.", remedy=_COPY_AGAIN)
        (table_at, table_length), rest = fragments[0], fragments[1:]
        n_frames = self.file.n_frames
        if n_frames == 1:
            return [rest]
        if len(rest) == n_frames:
            return [[fragment] for fragment in rest]
        if table_length >= 4 * n_frames:
            offsets = unpack(f"<{n_frames}I", os.pread(self._number, 4 * n_frames, table_at))
            return _by_offsets(rest, offsets)
        return self._by_starts(rest)

    def _fragments(self) -> list[Fragment]:
        found: list[Fragment] = []
        at = self.file.offset
        while True:
            head = os.pread(self._number, 8, at)
            if len(head) < 8 or head[:4] != _ITEM:
                return found
            (length,) = unpack_from("<I", head, 4)
            found.append((at + 8, length))
            at += 8 + length

    def _by_starts(self, fragments: list[Fragment]) -> list[list[Fragment]]:
        frames: list[list[Fragment]] = []
        for fragment in fragments:
            if not frames or os.pread(self._number, 8, fragment[0]).startswith(_STARTS):
                frames.append([])
            frames[-1].append(fragment)
        return frames


def _by_offsets(fragments: list[Fragment], offsets: tuple[int, ...]) -> list[list[Fragment]]:
    """Return frames by the basic offset table, which counts from the first fragment's item tag."""
    if not fragments:
        return []
    base = fragments[0][0] - 8
    starts = {base + offset: index for index, offset in enumerate(offsets)}
    frames: list[list[Fragment]] = [[] for _ in offsets]
    current = 0
    for fragment in fragments:
        current = starts.get(fragment[0] - 8, current)
        frames[current].append(fragment)
    return frames


@dataclass
class OpenFiles:
    """Files that stay open while a picture is decoded: those with several frames."""

    _kept: dict[str, OpenFile] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def close(self) -> None:
        """Close them all."""
        for file in self._kept.values():
            file.close()
        self._kept.clear()

    def take(self, file: PixelFile) -> OpenFile:
        """Return the open file; hand it back with ``give``."""
        if file.n_frames == 1:
            return OpenFile(file)
        with self._lock:
            if file.path not in self._kept:
                self._kept[file.path] = OpenFile(file)
            return self._kept[file.path]

    def give(self, opened: OpenFile) -> None:
        """Close files that hold one frame only."""
        if opened.file.n_frames == 1:
            opened.close()
