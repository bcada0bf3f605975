"""``negatoscope enhance`` and ``negatoscope filters``: chains on files, and what filters there are."""

import argparse
import sys
from pathlib import Path
from typing import Any

from viewer.command_line.render import looking
from viewer.command_line.studies import chosen_source, read_picture, scanned
from viewer.domain.chain import Chain
from viewer.domain.chain_text import chain_text, chain_title, filter_document, parse_chain
from viewer.domain.volume import Picture, Window
from viewer.errors import InputRefused, ViewerError
from viewer.exchange.atomic import Saved
from viewer.extensions.discover import Extensions, load_extensions
from viewer.extensions.presets import Preset, load_presets
from viewer.jobs.job import Progress, Ticket

_NIFTI = (".nii", ".nii.gz")
_PNG = ".png"


def filters_document() -> dict[str, Any]:
    """Return the descriptions of all filters and presets, and which of them were left out."""
    found = load_extensions()
    presets = load_presets(found.filters)
    return {
        "filters": [filter_document(one) for one in found.filters.values()],
        "presets": [_preset_document(one) for one in presets.known.values()],
        "left_out": [finding.text for finding in (*found.findings, *presets.findings)],
    }


def _preset_document(preset: Preset) -> dict[str, Any]:
    return {
        "key": preset.key,
        "title": preset.title,
        "purpose": preset.purpose,
        "caution": preset.caution,
        "modalities": list(preset.modalities),
        "body_parts": list(preset.body_parts),
        "chain": chain_text(preset.chain),
        "own": preset.is_own,
    }


def enhance(chosen: argparse.Namespace) -> dict[str, Any]:
    """Write what the chain makes of a study: a plane, a NIfTI volume or a derived DICOM series.

    Raises
    ------
    InputRefused
        The chain, the series or the name of the output cannot be used; nothing was written.
    """
    extensions = load_extensions()
    chain = _chain(chosen, extensions)
    name = chosen.out.name.lower()
    if chosen.plane and not name.endswith(_PNG):
        raise InputRefused("--plane is for pictures.", remedy="Choose a name that ends in .png.")
    picture = read_picture(chosen_source(scanned(chosen.paths), chosen.series))
    if name.endswith(_PNG):
        found = _plane(picture, chain, extensions, chosen)
    else:
        found = _series(picture, chain, extensions, chosen)
    return {
        **found,
        "series": picture.identity.series.uid,
        "chain": chain_text(chain),
        "title": chain_title(chain, extensions.filters),
        "cautions": [extensions.filters[step.key].caution for step in chain.active.steps],
    }


def _chain(chosen: argparse.Namespace, extensions: Extensions) -> Chain:
    if bool(chosen.chain) == bool(chosen.preset):
        raise InputRefused("Give either --chain or --preset.")
    if chosen.chain:
        return parse_chain(chosen.chain, extensions.filters)
    known = load_presets(extensions.filters).known
    if chosen.preset not in known:
        raise InputRefused(
            f"There is no preset called {chosen.preset}.",
            remedy=f"Choose one of: {', '.join(known)}.",
        )
    return known[chosen.preset].chain


def _plane(
    picture: Picture, chain: Chain, extensions: Extensions, chosen: argparse.Namespace
) -> dict[str, Any]:
    """Write one plane through the window's own path: mark, letters and window included."""
    from viewer.exchange.picture import write_png
    from viewer.painting.offscreen import painted_png
    from viewer.rendering.corners import CornerMode
    from viewer.session.edits_chain import SetChain
    from viewer.session.presentation import Presenter
    from viewer.session.session import Session

    name = chosen.plane or ("axial" if picture.is_volume else "acquired")
    if name != "acquired" and not picture.is_volume:
        raise InputRefused("These images do not form a volume.", remedy="Use --plane acquired.")
    session, viewing = Session(), looking(picture, name, chosen.index, chosen.size)
    session.apply(SetChain(picture.key, chain))
    if chosen.window is not None:
        viewing.set_window(picture, Window(*chosen.window))
    viewing.set(crosshair_shown=False, corners=CornerMode.NO_PATIENT)
    shown = Presenter(session, viewing, extensions.filters).present(picture, name)
    if shown.enhanced is None:
        raise InputRefused("No filter is on.", remedy="Take the ! away.")
    for _step, reason in shown.enhanced.failures:
        raise ViewerError(reason)
    data = painted_png(shown.raster, shown.primitives, (chosen.size, chosen.size))
    saved = write_png(data, chosen.out, force=chosen.force)
    return {"out": str(saved.path), "plane": name, "checks": list(saved.checks)}


def _series(
    picture: Picture, chain: Chain, extensions: Extensions, chosen: argparse.Namespace
) -> dict[str, Any]:
    """Write the whole series: NIfTI for such a name, else DICOM files in a folder."""
    from viewer.exchange.nifti import write_values_nifti
    from viewer.session.deriving import derive, write_derived

    made = derive(picture, chain, extensions.filters, Ticket(_progress), whole=chosen.whole)
    if chosen.out.name.lower().endswith(_NIFTI):
        saved: tuple[Saved, ...] = (write_values_nifti(made, chosen.out, force=chosen.force),)
    else:
        saved = write_derived(made, picture.identity, Path(chosen.out), force=chosen.force)
    return {
        "out": str(chosen.out),
        "files": len(saved),
        "new_series": made.key,
        "shape_kji": list(made.grid.shape_kji),
        "slope": float(made.quantity.slope_k[0]),
        "intercept": float(made.quantity.intercept_k[0]),
        "unit": made.quantity.unit,
        "checks": sorted({check for one in saved for check in one.checks}),
    }


def _progress(progress: Progress) -> None:
    if sys.stderr.isatty() and progress.fraction is not None:
        print(f"\r{progress.fraction:4.0%} {progress.text}   ", end="", file=sys.stderr, flush=True)
