"""The one way to a data file that ships with the program (checkout and wheel alike)."""

from pathlib import Path

from viewer.errors import ViewerError

_PACKAGE = Path(__file__).resolve().parent


def resource_root() -> Path:
    """Return the folder ``resources/`` of a checkout, or its copy inside an installed wheel."""
    for candidate in (_PACKAGE / "_resources", _PACKAGE.parent / "resources"):
        if candidate.is_dir():
            return candidate
    raise ViewerError(
        "The program's own data files are missing.",
        where=str(_PACKAGE),
        remedy="Install Negatoscope again.",
    )


def resource(*parts: str) -> Path:
    """Return the path of one shipped file, e.g. ``resource("networks", "lesions", "card.toml")``.

    Raises
    ------
    ViewerError
        The file is not there: the installation is incomplete.
    """
    path = resource_root().joinpath(*parts)
    if not path.exists():
        raise ViewerError(
            "A data file of the program is missing.",
            where="/".join(parts),
            remedy="Install Negatoscope again.",
        )
    return path
