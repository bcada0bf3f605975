"""The methods' part of the benchmark has every figure it promises; numbers are judged elsewhere."""

from viewer.command_line.bench_methods import TARGETS, method_figures


def test_every_target_has_a_figure_and_every_method_a_ratio() -> None:
    found = method_figures(size=64, slices=32, box=24)
    assert set(TARGETS) < set(found)
    assert {"threshold_preview_ratio", "region_ratio", "grow_cut_ratio"} < set(found)
    assert all(value > 0 for value in found.values())
