"""A whole series after its chain: computed, described, kept, written. Used by both doors."""

from collections.abc import Mapping
from pathlib import Path

from viewer.domain.chain import Chain
from viewer.domain.chain_text import chain_text, chain_title, result_unit
from viewer.domain.methods import Filter
from viewer.domain.study import Identity
from viewer.domain.volume import Picture
from viewer.errors import InputRefused, OutOfResources
from viewer.exchange.atomic import Saved
from viewer.exchange.derived import Derivation, write_derived_series
from viewer.imaging.derived import CHAIN, derived_picture
from viewer.imaging.enhancing import enhanced_volume, refuse_half_read
from viewer.intake.limits import KEPT_FREE_BYTES, available_bytes
from viewer.jobs.job import Ticket
from viewer.session.identifiers import new_uid

_BYTES_A_VOXEL = 4 + 2  # float32 while it is computed, int16 for good
_BYTES_A_VOXEL_WHOLE = 5 * 4 + 2  # what filters in three dimensions keep beside
PROGRAM = "Negatoscope enhancement"


def derive(
    picture: Picture,
    chain: Chain,
    filters: Mapping[str, Filter],
    ticket: Ticket,
    *,
    whole: bool = False,
) -> Picture:
    """Return ``picture`` after ``chain`` as a series of its own, ready to be shown or written.

    With ``whole``, filters that have a form in three dimensions use it.

    Raises
    ------
    InputRefused
        The chain has no active step; the images hold colour, or are not all read.
    OutOfResources
        The values would not fit into memory.
    ViewerError
        A filter failed.
    """
    if not chain.is_active:
        raise InputRefused("No filter is on.", remedy="Add a filter, or switch one on.")
    refuse_half_read(picture)
    needed = picture.stored.size * (_BYTES_A_VOXEL_WHOLE if whole else _BYTES_A_VOXEL)
    if needed + KEPT_FREE_BYTES > available_bytes():
        raise OutOfResources(
            f"The series would need {needed / 2**30:.1f} GiB of memory.",
            remedy="Close other studies, or read each n-th slice.",
        )
    values = enhanced_volume(picture, chain, filters, ticket, whole=whole)
    ticket.check()
    mode = " (3-D)" if whole else ""
    return derived_picture(
        picture,
        values,
        uid=new_uid(),
        chain=chain_text(chain.active) + mode,
        title=chain_title(chain, filters) + mode,
        unit=result_unit(chain, filters, picture.quantity.unit),
    )


def write_derived(
    picture: Picture,
    source: Identity,
    folder: Path,
    *,
    force: bool = False,
    ticket: Ticket | None = None,
) -> tuple[Saved, ...]:
    """Save a derived series as DICOM with its chain as derivation; see ``write_derived_series``."""
    description = f"{PROGRAM}: {picture.identity.acquired_text(CHAIN)}"
    derivation = Derivation(description, source)
    return write_derived_series(picture, derivation, folder, force=force, ticket=ticket)
