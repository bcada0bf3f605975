"""Enhancement filters."""

from plugins.enhance import clahe, gaussian, median, unsharp

METHODS = (gaussian.FILTER, median.FILTER, clahe.FILTER, unsharp.FILTER)
