"""Make the key that signs what goes into streams, and keep the set of those that readers trust.

seatsync sei keygen --kid 2026-11 --out relay.pem --keys keys.json    a new key beside the others
seatsync sei keygen --retire 2026-05 --keys keys.json                 an old one is trusted no more

The private key stays with the relay; the set is public: seatsync serve --sei-keys keys.json.
"""

from __future__ import annotations

import argparse
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from room.errors import InvalidArgument
from seatsync.cli import kinds
from seatsync.cli.flags import Flags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sei.wire.keys import PublicKey

PRIVATE_MODE: Final = 0o600
PUBLIC_MODE: Final = 0o644


def register(actions: Any, flags: Flags) -> None:
    """Add the action to ``seatsync sei``."""
    parser: argparse.ArgumentParser = actions.add_parser(
        "keygen",
        help="make a signing key, or retire one",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    flags.add(parser, "--kid", "id of the new key, used for no other ever", metavar="KID")
    flags.add(
        parser,
        "--out",
        "file of the private key, in PEM, for its owner alone; never overwritten",
        kind=kinds.path,
        metavar="FILE",
    )
    flags.add(
        parser,
        "--keys",
        "JWK set of the public keys; made where it is not there",
        kind=kinds.path,
        metavar="FILE",
    )
    flags.add(parser, "--retire", "id of a key that is taken out of the set", metavar="KID")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Carry the action out.

    Raises:
        InvalidArgument: the flags do not go together, a file can't be used, or the private key's is
            there already; then nothing has changed.
    """
    _check(arguments)
    keys = Path(os.path.realpath(arguments.keys))  # a link stays one
    held = _read(keys)
    if arguments.kid is None:
        _replace(keys, edited(held, None, arguments.retire))
    else:
        public, pem = make_key(arguments.kid)
        content = edited(held, public, arguments.retire)
        with _created(arguments.out, pem):
            _replace(keys, content)
        print(f"{arguments.out}: private key {public.id}")
    print(f"{arguments.keys}: {' '.join(_ids(keys)) or 'no key'}")
    return 0


def make_key(key_id: str) -> tuple[PublicKey, bytes]:
    """Make a key; gives its public part, and the private one as PKCS #8 in PEM (RFC 8410 7)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    from sei.wire.signature import Signer

    key = Ed25519PrivateKey.generate()
    public = Signer(key, key_id).public
    return public, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def edited(body: bytes | None, added: PublicKey | None, retired: str | None) -> bytes:
    """Give a JWK set with one key more, or less; the others stay as they are, of any kind.

    Args:
        body: the set; None: there is none yet.
        added: the new key.
        retired: the id of the one to leave out.

    Raises:
        Malformed: it is not JSON.
        InvalidArgument: it is no set, holds a secret, has the new id already or the old one not.
    """
    import msgspec

    from room import wire
    from sei.wire.keys import Document, read_document, read_key_set, write_key

    entries = [] if body is None else read_document(body).keys
    kept = [entry for entry in entries if retired is None or not _is_named(entry, retired)]
    if retired is not None and len(kept) == len(entries):
        raise InvalidArgument(f"the set has no key {retired}")
    if added is not None:
        kept.append(write_key(added))
    content = wire.encode(Document(kept))
    read_key_set(content)
    return msgspec.json.format(content, indent=2) + b"\n"


def _is_named(entry: dict[str, Any], key_id: str) -> bool:
    return (entry.get("kty"), entry.get("crv"), entry.get("kid")) == ("OKP", "Ed25519", key_id)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.keys is None:
        raise InvalidArgument("say which set of keys: --keys")
    if (arguments.kid is None) != (arguments.out is None):
        raise InvalidArgument("a new key has an id and a file: --kid and --out go together")
    if arguments.kid is None and arguments.retire is None:
        raise InvalidArgument("say what to do: --kid and --out for a new key, --retire for an old")
    if arguments.kid is not None and arguments.kid == arguments.retire:
        raise InvalidArgument("an id is never used again: readers hold the old key under it")


def _read(path: Path) -> bytes | None:
    from sei.wire.keys import MAX_KEY_SET_BYTES

    try:
        with path.open("rb") as opened:
            return opened.read(MAX_KEY_SET_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error


def _ids(path: Path) -> list[str]:
    from sei.wire.keys import read_key_set

    return [key.id for key in read_key_set(_read(path) or b"")]


@contextmanager
def _created(path: Path, content: bytes) -> Iterator[None]:
    """Write a file that was not there; it goes again where what follows fails."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, PRIVATE_MODE)
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
    try:
        _write(path, descriptor, content)
        yield
    except BaseException:
        path.unlink()
        raise


def _replace(path: Path, content: bytes) -> None:
    """Put a whole new file in the place of the old one, which keeps its mode."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else PUBLIC_MODE
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
    try:
        _write(path, descriptor, content)
        os.replace(beside, path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _write(path: Path, descriptor: int, content: bytes) -> None:
    try:
        with os.fdopen(descriptor, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(opened.fileno())
    except OSError as error:
        raise InvalidArgument(f"{path}: {error.strerror}") from error
