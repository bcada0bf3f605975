"""Starts the window quickly: what is loaded at the start stays for good."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Import and build with the collector at rest, and leave what was made out of its rounds.

    The collector would walk again and again through modules and widgets that are all alive; later
    rounds are shorter too, and none of them falls into a frame.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
