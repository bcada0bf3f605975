"""How sentences count."""


def counted(n: int, one: str, many: str = "") -> str:
    """Return a number with its noun: "1 file", "2 files"; ``many`` where that is no mere s."""
    return f"{n} {one if n == 1 else many or f'{one}s'}"
