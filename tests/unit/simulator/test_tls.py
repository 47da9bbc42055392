"""TLS as the platform speaks it: any certificate will do, unless it is set to verify."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from reception.simulator.client import PlatformClient
from reception.simulator.quirks import QUIRKS, Quirks
from reception.simulator.reading import NoReply, Reply, Response, Trouble
from reception.simulator.request import Outgoing
from tests.unit.simulator.servers import http

OPENSSL = shutil.which("openssl")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody vouches for, with its key."""
    if OPENSSL is None:
        pytest.skip("needs the openssl program to make a certificate")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    options = ["-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    made = ["-keyout", str(path), "-out", str(path.with_suffix(".crt"))]
    subprocess.run([OPENSSL, "req", "-x509", *options, *made], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + path.with_suffix(".crt").read_bytes())
    return path


def post(certificate: Path, quirks: Quirks) -> tuple[Reply, list[str | None]]:
    names: list[str | None] = []

    async def run() -> Reply:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.sni_callback = lambda _socket, name, _context: names.append(name)

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            names.append(writer.get_extra_info("ssl_object").version())
            writer.write(http("200 OK", b"{}", Connection="close"))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        client = PlatformClient(quirks)
        try:
            return await client.send(
                Outgoing("POST", f"https://localhost:{port}/"), timeout_ms=3000
            )
        finally:
            await client.aclose()
            server.close()
            await server.wait_closed()

    return asyncio.run(run()), names


def test_a_certificate_that_nobody_vouches_for_is_taken(certificate: Path) -> None:
    reply, names = post(certificate, QUIRKS[5])
    assert isinstance(reply, Response)
    assert ["localhost", "TLSv1.3"] == names


def test_a_platform_that_verifies_refuses_it(certificate: Path) -> None:
    reply, _ = post(certificate, QUIRKS[5].but(verifies_certificates=True))
    assert isinstance(reply, NoReply)
    assert Trouble.TLS is reply.trouble
