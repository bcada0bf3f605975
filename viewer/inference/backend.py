"""Where a network computes, and with what: a choice, and what it comes down to on this machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from viewer.errors import InputRefused

LOCAL = "local"
DEVICES = ("auto", "cpu", "cuda")
ENGINES = ("auto", "openvino", "onnxruntime", "torch")
PRECISIONS = ("auto", "float32", "bfloat16")
PROTOCOL_SCHEMES = ("grpc", "grpcs", "http", "https")
MONAI_SCHEMES = ("monailabel", "monailabels")
_LONGEST_TOKEN = 1 << 14
_LONGEST_S = 240.0  # the supervisor gives up on a silent worker after 300
_PORTS = {
    "grpc": 8001, "grpcs": 8001, "http": 8000, "https": 443,
    "monailabel": 8000, "monailabels": 443,
}  # fmt: skip
# Fastest first, all in 32-bit floats: measured on the demonstration network (docs of `backends`).
_ON_CPU = ("openvino", "onnxruntime", "torch")


@dataclass(frozen=True, slots=True)
class Backend:
    """A choice of where and how to compute.

    Parameters
    ----------
    where
        "local", or a server: ``grpc://``, ``grpcs://``, ``http://``, ``https://`` (Open Inference
        Protocol v2), ``monailabel://``, ``monailabels://`` (MONAI Label, plain and with TLS).
    device, engine, precision
        "auto", or one of ``DEVICES``, ``ENGINES``, ``PRECISIONS``; for a server all are its own.
    token, token_file
        Sent to the server and shown nowhere; the file that holds it is read when a job begins.
    root_certificates, certificate, private_key
        PEM files for TLS; "" where the system's suffice, or no client certificate is asked for.
    timeout_s
        How long one request may take.

    Raises
    ------
    InputRefused
        A word is unknown, or the address cannot be one.
    """

    where: str = LOCAL
    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"
    token: str = field(default="", repr=False)
    token_file: str = ""
    root_certificates: str = ""
    certificate: str = ""
    private_key: str = ""
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name, known in (("device", DEVICES), ("engine", ENGINES), ("precision", PRECISIONS)):
            if getattr(self, name) not in known:
                raise InputRefused(
                    f"There is no {name} called {getattr(self, name)}.",
                    remedy=f"Choose one of: {', '.join(known)}.",
                )
        if not 0.0 < self.timeout_s <= _LONGEST_S:
            raise InputRefused(f"The time that a server may take must not exceed {_LONGEST_S:g} s.")
        if not _is_token(self.token):
            raise InputRefused(
                "The server's token holds characters that no token has.",
                remedy="Give it as one line of plain characters.",
            )
        if self.where != LOCAL:
            _check_address(self.where)

    @property
    def is_local(self) -> bool:
        """Whether nothing leaves this machine's own worker."""
        return self.where == LOCAL

    @property
    def is_monai_label(self) -> bool:
        """Whether the server speaks MONAI Label's REST interface."""
        return urlsplit(self.where).scheme in MONAI_SCHEMES

    @property
    def is_encrypted(self) -> bool:
        """Whether the address asks for TLS."""
        return urlsplit(self.where).scheme in ("grpcs", "https", "monailabels")

    @property
    def host_and_port(self) -> str:
        """The address without its scheme, as clients want it; "" for the local one."""
        parts = urlsplit(self.where)
        if self.is_local or parts.port is not None:
            return parts.netloc
        return f"{parts.netloc.rstrip(':')}:{_PORTS[parts.scheme]}"

    @property
    def short(self) -> str:
        """The choice in a few words, for a status line."""
        if not self.is_local:
            return self.where
        words = [word for word in (self.engine, self.device, self.precision) if word != "auto"]
        return "this computer" + (f" ({', '.join(words)})" if words else "")

    def to_table(self) -> dict[str, Any]:
        """Return plain values for the way to the worker: a pipe, never a file, for the token's sake.

        Raises
        ------
        InputRefused
            The token's file cannot be read.
        """
        token = self.token
        if self.token_file and not token:
            token = token_from(Path(self.token_file))
        return {**asdict(self), "token": token, "token_file": ""}

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> "Backend":
        """Return what ``to_table`` was made from."""
        return cls(**table)


def _is_token(text: str) -> bool:
    return len(text) <= _LONGEST_TOKEN and text.isascii() and (not text or text.isprintable())


def _check_address(where: str) -> None:
    schemes = (*PROTOCOL_SCHEMES, *MONAI_SCHEMES)
    try:
        parts = urlsplit(where)
        sound = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        sound, parts = False, urlsplit("")
    if not sound or parts.scheme not in schemes or parts.query or parts.fragment:
        raise InputRefused(
            "The address of the server cannot be one.",
            remedy=f"Write {', '.join(f'{s}://HOST:PORT' for s in schemes)}, or local.",
        )
    if "@" in parts.netloc:
        raise InputRefused(
            "The address of the server holds a password.",
            remedy="Leave it out and give the token apart (--token-file).",
        )


def local_engines(
    backend: Backend, forms: tuple[str, ...], there: Mapping[str, str], *, has_cuda: bool
) -> tuple[str, ...]:
    """Return which engines to try on this machine, in order; () where none can.

    ``forms`` are those the network has ("onnx", "safetensors"), ``there`` engine -> version.
    OpenVINO and ONNX Runtime read ONNX; torch reads safetensors, and is the one way to a CUDA
    device.
    """
    wants_cuda = backend.device == "cuda" or (backend.device == "auto" and has_cuda)
    order: tuple[str, ...] = ("torch", *_ON_CPU[:2]) if wants_cuda else _ON_CPU
    if backend.device == "cuda":
        order = ("torch",)
    if backend.engine != "auto":
        order = (backend.engine,)
    needed = {"torch": "safetensors", "openvino": "onnx", "onnxruntime": "onnx"}
    return tuple(name for name in order if name in there and needed[name] in forms)


def token_from(path: Path) -> str:
    """Return the token that is the one line of the file ``path``.

    Raises
    ------
    InputRefused
        It cannot be read, or holds more than a token.
    """
    try:
        if path.stat().st_size > _LONGEST_TOKEN:
            raise InputRefused("The file holds more than a token.", where=str(path))
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise InputRefused("The token's file cannot be read.", where=str(path)) from error
    if not text or not _is_token(text):
        raise InputRefused("The file holds no token.", where=str(path))
    return text
