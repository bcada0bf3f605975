"""Messages: what is sent arrives, what is broken is refused."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from viewer.errors import BackendLost
from viewer.inference.messages import receive, send

_TEXTS = st.text(max_size=20)


@given(
    st.dictionaries(_TEXTS, st.integers() | _TEXTS), st.lists(st.binary(max_size=50), max_size=4)
)
def test_what_is_sent_arrives(header: dict[str, object], blobs: list[bytes]) -> None:
    header.pop("blobs", None)
    stream = io.BytesIO()
    send(stream, header, blobs)
    stream.seek(0)
    message = receive(stream)
    assert message is not None
    assert (message.header, list(message.blobs)) == (header, blobs)
    assert receive(stream) is None


@pytest.mark.parametrize("cut", [1, 7, 9, 30, -1])
def test_a_message_cut_short_is_a_lost_worker(cut: int) -> None:
    stream = io.BytesIO()
    send(stream, {"kind": "done"}, [b"12345678"])
    with pytest.raises(BackendLost):
        receive(io.BytesIO(stream.getvalue()[:cut]))


def test_text_on_the_pipe_is_no_message() -> None:
    with pytest.raises(BackendLost, match="no message"):
        receive(io.BytesIO(b"Warning: something was printed"))


def test_a_blob_of_a_nonsense_size_is_not_awaited() -> None:
    stream = io.BytesIO()
    send(stream, {"kind": "done"}, [b""])
    forged = stream.getvalue().replace(b'"blobs": [0]', b'"blobs": [-1]')
    forged = forged[:7] + bytes([forged[7] + 1]) + forged[8:]
    with pytest.raises(BackendLost, match="nonsense size"):
        receive(io.BytesIO(forged))
