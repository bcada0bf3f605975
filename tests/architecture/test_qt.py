"""The Qt binding that is installed: faults of single versions, held off by a test."""

import sys

import PySide6
import pytest


def test_the_binding_is_not_the_version_that_loses_none() -> None:
    assert PySide6.__version__ != "6.12.0"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_calls_that_return_nothing_leave_none_alone() -> None:
    """PySide6 6.12.0 drops a reference to None in each such call, and crashes in the end."""
    from PySide6.QtGui import QPen

    pen = QPen()
    before = sys.getrefcount(None)
    for width in range(1000):
        pen.setWidth(width)
    assert abs(sys.getrefcount(None) - before) < 50
