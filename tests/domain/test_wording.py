import pytest

from viewer.domain.wording import counted


@pytest.mark.parametrize(("n", "words"), [(0, "0 files"), (1, "1 file"), (2, "2 files")])
def test_a_number_agrees_with_its_noun(n: int, words: str) -> None:
    assert counted(n, "file") == words


@pytest.mark.parametrize(("n", "words"), [(1, "1 contour lies"), (3, "3 contours lie")])
def test_a_number_agrees_with_its_verb(n: int, words: str) -> None:
    assert counted(n, "contour lies", "contours lie") == words
