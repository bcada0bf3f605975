import numpy as np
import pytest

from viewer.domain.finding import Severity
from viewer.rendering.strip import Span, Strip, strip_lines


@pytest.mark.parametrize("height", [20, 160, 1024])
def test_rows_and_places_are_each_others_inverse(height: int) -> None:
    span = Span.of(height)
    places = np.linspace(0, 1, 7)
    np.testing.assert_allclose([span.place(span.row(p)) for p in places], places, atol=1e-9)
    assert span.place(-50) == 0
    assert span.place(height + 50) == 1
    assert 0 <= span.row(0) < span.row(1)


def test_thumb_ticks_and_unread_stretches_stand_where_they_belong() -> None:
    strip = Strip(0.25, ((0.5, Severity.UNSAFE), (1.0, Severity.NOTE)), ((0.75, 1.0),))
    lines = strip_lines(strip, (300, 200))
    span = Span.of(200)
    track, unread, unsafe, note, thumb = lines
    assert [y for _, y in track.points] == [span.row(0), span.row(1)]
    assert [y for _, y in unread.points] == [span.row(0.75), span.row(1)]
    assert {y for _, y in unsafe.points} == {round(span.row(0.5))}
    assert {y for _, y in note.points} == {round(span.row(1))}
    assert unsafe.colour != note.colour
    assert np.mean([y for _, y in thumb.points]) == pytest.approx(span.row(0.25))
    assert all(290 < x < 300 for line in lines for x, _ in line.points)
