"""The painting part of the benchmark measures what its targets name; numbers are judged elsewhere."""

from viewer.command_line.bench_segment import TARGETS, segment_figures


def test_every_target_has_a_figure() -> None:
    found = segment_figures(size=48, strokes=3)
    assert set(found) == set(TARGETS)
    assert all(value >= 0 for value in found.values())
    assert found["hundred_strokes_mb"] > 0
