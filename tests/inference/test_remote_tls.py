"""Who an inference server is: certificates, and what their failures are called."""

import ssl
import subprocess
from pathlib import Path

import grpc  # noqa: TID253 - tests of servers need it at once
import numpy as np
import pytest

from tests.inference.fake_servers import (
    Behaviour,
    grpc_server,
    http_server,
    json_answer,
    protocol_reply,
    threshold,
)
from tests.inference.remote_for_tests import (
    BATCH,
    a_predictor,
)
from viewer.errors import InputRefused, ViewerError


def _certificates(folder: Path) -> None:
    for name, more in (
        ("right", ["-addext", "subjectAltName=IP:127.0.0.1"]),
        ("other", ["-addext", "subjectAltName=DNS:elsewhere.example"]),
    ):
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        command += ["ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=test"]
        command += ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem")]
        subprocess.run([*command, *more], check=True, capture_output=True)


def test_tls_is_checked_and_a_failure_names_it(tmp_path: Path) -> None:
    _certificates(tmp_path)
    key, certificate = ((tmp_path / name).read_bytes() for name in ("right.key", "right.pem"))
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    with grpc_server(Behaviour(), credentials) as address:
        trusted = str(tmp_path / "right.pem")
        found = a_predictor(f"grpcs://{address}", root_certificates=trusted).predict(BATCH)
        np.testing.assert_array_equal(found, threshold(BATCH))
        other = str(tmp_path / "other.pem")
        for where, roots in ((f"grpcs://{address}", other), (f"grpc://{address}", "")):
            with pytest.raises(ViewerError) as told:
                a_predictor(where, root_certificates=roots)
            assert "TLS" in told.value.sentence()
    with pytest.raises(InputRefused, match="cannot be read"):
        a_predictor("grpcs://127.0.0.1:9", root_certificates=str(tmp_path / "none.pem"))


def test_https_is_checked_and_a_failure_names_it(tmp_path: Path) -> None:
    _certificates(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "right.pem", tmp_path / "right.key")
    reply = protocol_reply(lambda batch: json_answer(threshold(batch)))
    with http_server(reply, context) as address:
        trusted = str(tmp_path / "right.pem")
        found = a_predictor(f"https://{address}", root_certificates=trusted).predict(BATCH)
        np.testing.assert_array_equal(found, threshold(BATCH))
        for roots in ("", str(tmp_path / "other.pem")):
            with pytest.raises(InputRefused, match="TLS"):
                a_predictor(f"https://{address}", root_certificates=roots)
    with http_server(reply) as address, pytest.raises(InputRefused, match="TLS"):
        a_predictor(f"https://{address}", root_certificates=trusted)
    (tmp_path / "broken.pem").write_text("no certificate", encoding="ascii")
    with pytest.raises(InputRefused, match="cannot be used"):
        a_predictor("https://127.0.0.1:9", root_certificates=str(tmp_path / "broken.pem"))
