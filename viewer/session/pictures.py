"""What was found and what is in memory: scans, sources, loaded pictures, the one ledger."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from viewer.domain.ledger import Fate, LoadLedger, Outcome
from viewer.domain.study import Patient
from viewer.domain.volume import Picture, Volume
from viewer.intake.decode import allocate, decode
from viewer.intake.scan import LayerFile, PictureSource, Scan
from viewer.intake.thinning import thinned
from viewer.jobs.job import Ticket


@dataclass(frozen=True)
class SeriesEntry:
    """One line of the study panel."""

    source: PictureSource
    thumbnail: NDArray[np.uint8] | None = field(default=None, compare=False)


def best_of(sources: Iterable[PictureSource]) -> PictureSource | None:
    """Return which of ``sources`` to show first: volumes before stacks, then the most images."""
    return max(sources, key=lambda one: (one.is_volume, one.shape_kji[0]), default=None)


def _place(key: str) -> tuple[str, int, str]:
    """Return what sorts keys as a person counts: "#10", a tenth part, after "#2"."""
    series, _, part = key.partition("#")
    return series, int(part) if part.isdecimal() else 1, part


class Pictures:
    """Everything that was opened. ``changed`` tells a picture's key, or "" for the list itself."""

    changed = Signal(str)

    def __init__(self) -> None:
        self.sources: dict[str, PictureSource] = {}
        self.loaded: dict[str, Picture] = {}
        self.thumbnails: dict[str, NDArray[np.uint8]] = {}
        self.layers: dict[str, LayerFile] = {}
        self._fates: dict[str, Fate] = {}

    def add(self, scan: Scan) -> tuple[str, ...]:
        """Take in what a scan found; return the keys of pictures that were not known before."""
        self._fates.update((fate.path, fate) for fate in scan.ledger.fates)
        new = tuple(source.key for source in scan.pictures if source.key not in self.sources)
        self.sources.update((source.key, source) for source in scan.pictures)
        self.layers.update((layer.path, layer) for layer in scan.layers)
        self.changed.emit("")
        return new

    @property
    def ledger(self) -> LoadLedger:
        """The account of all files of all scans."""
        return LoadLedger(len(self._fates), tuple(self._fates.values()))

    def refuse(self, failed: Iterable[Fate]) -> None:
        """Amend the ledger: files that the decoder could not read after all."""
        for fate in failed:
            if fate.outcome is Outcome.REFUSED:
                self._fates[fate.path] = fate
        self.changed.emit("")

    def entries(self) -> tuple[SeriesEntry, ...]:
        """Return the lines of the study panel, newest study first, then by series number."""
        newest: dict[Patient, str] = {}
        for source in self.sources.values():
            patient, date = source.identity.patient, source.identity.study.date
            newest[patient] = max(newest.get(patient, ""), date)
        sources = sorted(
            self.sources.values(),
            key=lambda s: (s.identity.series.number or 0, _place(s.key)),
        )
        # Stable sorts, the most important one last: patients stay together.
        sources.sort(key=lambda s: (s.identity.study.date, s.identity.study.time), reverse=True)
        sources.sort(key=lambda s: s.identity.patient.id + s.identity.patient.name)
        sources.sort(key=lambda s: newest[s.identity.patient], reverse=True)
        return tuple(SeriesEntry(s, self.thumbnails.get(s.key)) for s in sources)

    def best(self, keys: Iterable[str]) -> str:
        """Return which of ``keys`` to show first: volumes before stacks, then the most images."""
        found = best_of(self.sources[key] for key in keys)
        return "" if found is None else found.key

    def thin(self, key: str, every: int) -> str:
        """Take in every n-th slice of a picture as one of its own; return its key."""
        source = thinned(self.sources[key], every)
        if source.key not in self.sources:
            self.sources[source.key] = source
            self.changed.emit("")
        return source.key

    def take_in(self, key: str, volume: Volume, what: str = "(resampled)") -> None:
        """Take in a volume that was made of the picture ``key``, as a series of its own.

        ``what`` was done to it stands behind its title.
        """
        source = self.sources[key]
        self.sources[volume.key] = replace(
            source,
            key=volume.key,
            identity=volume.identity,
            grid=volume.grid,
            shape_kji=volume.grid.shape_kji,
            title=f"{source.title} {what}",
            findings=volume.findings,
            quantity=volume.quantity,
            display=volume.display,
            dtype=volume.stored.dtype,
            places=None,
        )
        self.loaded[volume.key] = volume
        if key in self.thumbnails:
            self.thumbnails[volume.key] = self.thumbnails[key]
        self.changed.emit("")

    def begin(self, key: str) -> Picture:
        """Return the picture of ``key``, still empty if it was not loaded before."""
        if key not in self.loaded:
            self.loaded[key] = allocate(self.sources[key])
        return self.loaded[key]

    def read(
        self,
        key: str,
        ticket: Ticket,
        *,
        first_k: int,
        most: int | None = None,
        on_slice: Callable[[int], None] | None = None,
    ) -> tuple[Fate, ...]:
        """Decode the picture of ``key`` outward from ``first_k``; return the fates of failures.

        At most ``most`` slices, if it is given.
        """
        return decode(
            self.sources[key],
            self.loaded[key],
            ticket,
            first_k=first_k,
            most=most,
            on_slice=on_slice,
        )

    def close_all(self) -> None:
        """Forget everything."""
        for table in (self.sources, self.loaded, self.thumbnails, self.layers, self._fates):
            table.clear()
        self.changed.emit("")
