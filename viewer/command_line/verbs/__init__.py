"""The verbs, one a file: ``self_test.py`` holds ``VERB`` of ``negatoscope self-test``.

A start imports the one verb that it was asked for, so a verb more costs nothing.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from viewer.command_line.verb import Verb


@cache
def verb_names() -> tuple[str, ...]:
    """Return the names of all verbs, in order of the alphabet."""
    return tuple(sorted(found.name.replace("_", "-") for found in iter_modules(__path__)))


def verb(name: str) -> Verb:
    """Return one verb; KeyError when there is none of this name."""
    if name not in verb_names():
        raise KeyError(name)
    found: Verb = import_module(f"{__name__}.{name.replace('-', '_')}").VERB
    return found
