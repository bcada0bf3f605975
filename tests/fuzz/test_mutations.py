"""Every sample file, spoilt in every way: no crash, no hang, no memory, and the books balance."""

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.account import accounted
from tests.fuzz.mutations import MUTATIONS, Mutation

_SMALL = 600_000
_PROFILE = settings()


@pytest.fixture(scope="session")
def victims(shared_data: Path) -> list[Path]:
    """Return every sample file that is small enough to be spoilt thousands of times."""
    folders = ("dicom", "codecs", "geometry", "seg_sr", "special", "ibsi")
    found = [
        path
        for folder in folders
        for path in sorted((shared_data / folder).rglob("*"))
        if path.is_file() and 0 < path.stat().st_size < _SMALL
    ]
    assert len(found) > 600
    return found


def spoilt(content: bytes, steps: list[tuple[Mutation, int]]) -> bytes:
    for mutation, seed in steps:
        content = mutation(content, Random(seed)) or b"\0"  # noqa: S311 - repeatable on purpose
    return content


@settings(
    max_examples=4 * _PROFILE.max_examples,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    number=st.integers(0, 10_000),
    steps=st.lists(
        st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 2**32)), min_size=1, max_size=3
    ),
)
def test_a_spoilt_sample_file_has_a_fate(
    victims: list[Path], number: int, steps: list[tuple[Mutation, int]]
) -> None:
    victim = victims[number % len(victims)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"spoilt{victim.suffix}"
        path.write_bytes(spoilt(victim.read_bytes(), steps))
        accounted(path)
