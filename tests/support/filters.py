"""Small filters for tests of what runs them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from viewer.domain.methods import Filter, Parameter, PlaneContext

Values = NDArray[np.float32]


def a_filter(function: Any, key: str = "odd") -> Filter:
    """Return a pixel-wise filter with one parameter, "add" (1, from 0 to 10)."""
    return Filter(
        key=key,
        title=f"The {key} one",
        purpose="p",
        caution="c",
        source="s",
        parameters=(Parameter("add", "Add", "float", 1.0, 0.0, 10.0),),
        function=function,
        reach_px=lambda _p, _c: 0,
    )


def adding(values: Values, parameters: Mapping[str, Any], _context: PlaneContext) -> Values:
    """Add the parameter."""
    return np.asarray(values + np.float32(parameters["add"]))
