"""MONAI Label's REST interface (Diaz-Pinto et al. 2022, arXiv 2203.12362; version 0.8 as seen).

The server makes the whole mask: it gets the volume as a file without a name, and gives a file back.
It answers nothing else while it computes, and goes on when we hang up: so it is asked once, and no
question is put to it meanwhile.
"""

import json
import secrets
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import numpy as np

from viewer.domain.card import NetworkCard
from viewer.errors import ViewerError
from viewer.inference.backend import Backend
from viewer.inference.handover import Scan
from viewer.inference.pipeline import Found, Report
from viewer.inference.worker.nifti_wire import NotLabels, labels_from, nifti_gz
from viewer.inference.worker.orders import Interruptions
from viewer.inference.worker.remote_http import HttpConversation
from viewer.inference.worker.remote_wire import MEBIBYTE, Trouble, WireFault, plain, sentence_of

_MOST_MODELS, _MOST_LABELS = 200, 255
_BACK = "The server computes on after a cancel: it cannot be told to stop."


def models(backend: Backend) -> tuple[str, dict[str, dict[str, Any]]]:
    """Return the server's name, and model -> {"type", "labels", "config"} of those that segment.

    Raises
    ------
    BackendLost, InputRefused, OutOfResources
        The server does not answer, or not sensibly.
    """
    try:
        return _models(HttpConversation(backend))
    except WireFault as fault:
        raise _refusal(fault, backend, "its list of networks") from fault


def _models(talk: HttpConversation) -> tuple[str, dict[str, dict[str, Any]]]:
    found = _object(talk.ask("GET", "/info/")[1])
    listed = found.get("models")
    if not isinstance(listed, dict) or len(listed) > _MOST_MODELS:
        raise WireFault(Trouble.NONSENSE, "no models")
    rows = {
        str(name): _described(row)
        for name, row in listed.items()
        if isinstance(row, dict) and str(row.get("type")) == "segmentation"
    }
    return plain(str(found.get("name", "")), 60), rows


def _described(row: Mapping[str, Any]) -> dict[str, Any]:
    labels = row.get("labels", {})
    names: dict[int, str] = {}
    if isinstance(labels, dict):
        pairs = [(n, name) for name, n in labels.items() if isinstance(n, int)]
        names = {n: plain(str(name), 60) for n, name in pairs if 0 < n <= _MOST_LABELS}
    elif isinstance(labels, list):
        names = {n: plain(str(one), 60) for n, one in enumerate(labels[:_MOST_LABELS], start=1)}
    config = row.get("config", {})
    plain_values = {
        str(key): value
        for key, value in (config.items() if isinstance(config, dict) else ())
        if isinstance(value, bool | int | float)
    }
    return {"labels": names, "config": plain_values}


def segmented(
    scan: Scan, card: NetworkCard, backend: Backend, interruptions: Interruptions, report: Report
) -> tuple[Found, str]:
    """Return what the server's model finds in ``scan``, and the server's name.

    Raises
    ------
    BackendLost, InputRefused, OutOfResources, Unsupported
        The server is not there, refuses us, or answers something that is no mask of this scan.
    """
    model = card.key
    talk = HttpConversation(backend)
    try:
        report(0.0, "asking the server for its networks")
        name, there = _models(talk)
        config = _config(there, model)
        report(0.05, "packing the volume")
        file = nifti_gz(scan.quantity.block(scan.stored), scan.grid)
        report(0.1, "the server computes")
        labels = _answer(talk, model, config, file, scan, interruptions)
    except WireFault as fault:
        raise _refusal(fault, backend, card.title) from fault
    voxel_mm3 = scan.grid.voxel_volume_mm3
    names = card.classes[: card.n_classes - 1]
    counts = np.bincount(labels.ravel(), minlength=len(names) + 1)[1:]
    named = (*names, *(f"label {n}" for n in range(len(names) + 1, len(counts) + 1)))
    volumes = tuple(float(n) * voxel_mm3 for n in counts)
    return Found(labels, volumes, (_BACK,), named), name


def _config(there: Mapping[str, Mapping[str, Any]], model: str) -> Mapping[str, Any]:
    if model not in there:
        raise WireFault(Trouble.MISSING, model)
    found: Mapping[str, Any] = there[model]["config"]
    return found


def _answer(
    talk: HttpConversation,
    model: str,
    config: Mapping[str, Any],
    file: bytes,
    scan: Scan,
    interruptions: Interruptions,
) -> Any:
    # The server does not apply what it lists as configuration: it has to be sent back.
    params = {**config, "result_extension": ".nii.gz"}
    content, body = multipart(params, file)
    most = 8 * int(np.prod(scan.grid.shape_kji)) + MEBIBYTE
    headers, data = talk.ask(
        "POST",
        f"/infer/{quote(model, safe='')}?output=image",
        body,
        headers={"Content-Type": content, "Accept": "application/octet-stream"},
        most_bytes=most,
        interruptions=interruptions,
    )
    if headers.get("content-type", "").startswith("application/json"):
        raise WireFault(Trouble.FAILED, "no mask")
    try:
        return labels_from(data, scan.grid)
    except NotLabels as error:
        raise WireFault(Trouble.NONSENSE, str(error)) from error


def multipart(params: Mapping[str, Any], file: bytes) -> tuple[str, bytes]:
    """Return content type and body of a form with the parts ``params`` and ``file`` (RFC 7578)."""
    border = f"negatoscope-{secrets.token_hex(16)}"
    words = json.dumps(dict(params)).encode()
    parts = [
        f'--{border}\r\nContent-Disposition: form-data; name="params"\r\n\r\n'.encode(),
        words,
        f'\r\n--{border}\r\nContent-Disposition: form-data; name="file"; filename="image.nii.gz"'
        "\r\nContent-Type: application/octet-stream\r\n\r\n".encode(),
        file,
        f"\r\n--{border}--\r\n".encode(),
    ]
    return f"multipart/form-data; boundary={border}", b"".join(parts)


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise WireFault(Trouble.NONSENSE, "no JSON") from error
    if not isinstance(found, dict):
        raise WireFault(Trouble.NONSENSE, "no JSON object")
    return found


def _refusal(fault: WireFault, backend: Backend, title: str) -> ViewerError:
    sys.stderr.write(f"MONAI Label: {fault}\n")
    return sentence_of(fault, backend, title)
