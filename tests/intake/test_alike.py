"""The walk by stretches gives what the plain walk gives, whatever was walked before."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.mutations import MUTATIONS, element
from viewer.intake import alike, tags
from viewer.intake.elements import BrokenElements, Encoding, NeedMore, walk
from viewer.intake.reading import read_head

EXPLICIT = Encoding(explicit=True)
_TAGS = ((0x00080018, b"UI"), (0x00080060, b"CS"), (0x00091001, b"UN"), (0x0020000E, b"UI"))
_MORE = ((0x00200013, b"IS"), (0x00200032, b"DS"), (0x00281050, b"DS"), (0x00400275, b"SQ"))
Walked = tuple[dict[int, bytes], int, object] | str


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "_known", {})


def plainly(content: bytes, position: int = 0, encoding: Encoding = EXPLICIT) -> Walked:
    try:
        return walk(content, position, encoding, tags.WANTED)
    except (NeedMore, BrokenElements) as error:
        return repr(error)


def by_stretches(content: bytes, position: int = 0, encoding: Encoding = EXPLICIT) -> Walked:
    try:
        return alike.walk_alike(content, position, encoding)
    except (NeedMore, BrokenElements) as error:
        return repr(error)


def a_header(values: list[bytes | None]) -> bytes:
    """Return elements with these values (None: absent), and the head of the pixels."""
    content = element(0x00080005, b"CS", b"ISO_IR 192") + element(0x00080008, b"CS", b"ORIGINAL")
    for (tag, vr), value in zip((*_TAGS, *_MORE), values, strict=True):
        content += b"" if value is None else element(tag, vr, value)
    return content + element(0x7FE00010, b"OW", b"\0" * 8)


_VALUE = st.one_of(st.none(), st.sampled_from([b"", b"1 ", b"2 ", b"-10.5 ", b"1.2.3\0"]))


@given(st.lists(st.lists(_VALUE, min_size=8, max_size=8), min_size=1, max_size=12), st.data())
def test_any_row_of_headers_gives_the_same(
    rows: list[list[bytes | None]], data: st.DataObject
) -> None:
    for values in rows:
        content = a_header(values)
        cut = data.draw(st.one_of(st.just(len(content)), st.integers(1, len(content))))
        assert by_stretches(content[:cut]) == plainly(content[:cut])


def test_a_series_is_learned_from_two_headers_and_walked_by_stretches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def header(k: int) -> bytes:
        return a_header([b"1.%d\0" % k, b"CT", b"x", b"1.5", b"%d " % k, b"0\\0\\1 ", b"40", None])

    walked = []

    def counted(*given: object, **named: object) -> object:
        walked.append(named)
        return walk(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(alike, "walk", counted)
    for k in range(2):
        by_stretches(header(k))
    walked.clear()
    for k in range(2, 9):
        assert by_stretches(header(k)) == plainly(header(k))
    assert walked == [{}] * 7  # the rest behind the stretches, and no learning any more


def heads(folder: Path) -> Iterator[bytes]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            head = read_head(str(path), 16384)[0]
            if head[128:132] == b"DICM":
                yield head


def where_the_data_set_begins(head: bytes) -> int:
    return 144 + int.from_bytes(head[140:144], "little")


def test_real_headers_give_the_same_whole_and_spoilt(shared_data: Path) -> None:
    chance, n_headers = Random(5), 0  # noqa: S311 - repeatable on purpose
    for head in heads(shared_data / "dicom"):
        begin = where_the_data_set_begins(head)
        for content in (head, *(change(head, chance) for change in chance.sample(MUTATIONS, 4))):
            n_headers += 1
            assert by_stretches(content, begin) == plainly(content, begin)
    assert n_headers > 1000


@pytest.mark.parametrize("encoding", [Encoding(explicit=False), Encoding(explicit=True, order=">")])
def test_other_encodings_are_walked_as_ever(encoding: Encoding, shared_data: Path) -> None:
    for head in heads(shared_data / "dicom/pydicom"):
        begin = where_the_data_set_begins(head)
        assert by_stretches(head, begin, encoding) == plainly(head, begin, encoding)


def test_what_is_known_is_bounded() -> None:
    for number in range(500):
        by_stretches(element(0x00080005, b"CS", b"%06d" % number) + a_header([b"1"] * 7 + [None]))
    assert len(alike._known) <= 64
