"""The enhancement's part of the benchmark measures every filter; numbers are judged elsewhere."""

from viewer.command_line.bench_enhance import budget_ms, enhance_figures
from viewer.extensions.discover import load_extensions


def test_every_filter_is_timed_against_its_own_budget() -> None:
    found = enhance_figures(size_px=48, rounds=2)
    filters = load_extensions().filters
    assert set(found["enhance_slider_p95_ms"]) == set(filters)
    assert set(found["enhance_coarse_ms"]) == set(filters)
    assert all(ms > 0 for ms in found["enhance_slider_p95_ms"].values())
    assert {budget_ms(one) for one in filters.values()} <= {50.0, 150.0}
    for key, ms in found["enhance_over_budget"].items():
        assert ms > budget_ms(filters[key])
    assert found["enhance_whole_gaussian_ratio"] > 0
