"""RTMP over TLS, in both directions, with a certificate that the system trusts or does not."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from rtmp_peers import LOOPBACK, bodies, scripted_peer, until

from sei.counts import Counts
from sei.errors import SourceFailed
from sei.flv.tags import VIDEO
from sei.inputs.rtmp import RtmpSource
from sei.outputs.rtmp_push import RtmpPush
from sei.rtmp.chunks import Message
from tests.unit.sei.rtmp_samples import STREAM, configurations, group


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a certificate for the loopback; give what a server needs, and its file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, LOOPBACK)])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    shown, secret = tmp_path / "certificate.pem", tmp_path / "key.pem"
    shown.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, secret)
    return context, shown


async def test_push_over_tls_arrives_to_its_end(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    counts, sent = Counts(), [*configurations(), *group(0, pictures=50, size=30_000)]
    async with scripted_peer(tls=context) as peer:
        push = RtmpPush(peer.url(), counts)
        push.start()
        await until(lambda: counts.outputs[push.shown] == "live")
        push.publish(sent)
        await push.close()
        (server,) = peer.servers
        await until(lambda: server.commands[-1][0] == "deleteStream")
    assert [m.body for m in server.media if m.kind == VIDEO] == bodies(VIDEO, sent)


async def test_pull_over_tls(
    tls: tuple[ssl.SSLContext, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, certificate = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with scripted_peer(tls=context) as peer, RtmpSource(peer.url()).open() as opened:
        picture = Message(VIDEO, 0, STREAM, b"\x27\x01\x00\x00\x00picture")
        peer.writers[0].write(peer.servers[0].say(picture))
        assert picture.body in await anext(opened.chunks)


async def test_certificate_that_nobody_vouches_for_is_refused(
    tls: tuple[ssl.SSLContext, Path],
) -> None:
    counts = Counts()
    async with scripted_peer(tls=tls[0]) as peer:
        push = RtmpPush(peer.url(), counts)
        push.start()
        await until(lambda: "certificate" in counts.outputs[push.shown].lower())
        await push.close()
        with pytest.raises(SourceFailed, match=r"(?i)certificate"):
            async with RtmpSource(peer.url()).open():
                pass
        assert peer.servers == []
