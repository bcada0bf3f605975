"""The benchmark itself works; its timings are judged by ``negatoscope bench``, not by tests."""

import argparse

from viewer.command_line.bench import TARGETS, bench


def test_the_benchmark_measures_the_program_beside_limits_of_the_same_run() -> None:
    document = bench(argparse.Namespace(slices=12, repeats=1))
    assert document["bare_window_first_picture_s"] > 0
    assert document["first_picture_s"] > 0
    assert document["blit_1024_ms"]["median"] > 0
    assert set(document["met"]) == set(TARGETS)
    # The first picture waits for none of these; this is a promise, not a timing.
    assert document["heavy_modules_at_first_picture"] == []
