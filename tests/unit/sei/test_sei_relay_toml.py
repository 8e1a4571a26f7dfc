from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import sei.relay.toml
from room.errors import InvalidArgument
from sei.config import Probe, RelayConfig, StreamConfig
from sei.relay.rules import check_config, load_signer, split_listen
from sei.relay.toml import parse_config, read_config

STREAM = '[[stream]]\nname = "main"\nroom = "demo"\ninput = "test:"\n'
FLV = '[[stream]]\nname = "main"\nroom = "demo"\ninput = "http://o.example/a.flv"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "evening.mp4").write_bytes(b"x")
    (tmp_path / "out").mkdir()
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "relay.pem").write_bytes(pem)
    return tmp_path


def parse(text: str, folder: Path) -> RelayConfig:
    return parse_config(text.encode(), folder)


def complaint(text: str, folder: Path) -> str:
    with pytest.raises(InvalidArgument) as caught:
        parse(text, folder)
    return caught.value.message


def test_the_example_of_the_module_is_whole_and_right(folder: Path) -> None:
    example = (sei.relay.toml.__doc__ or "").split("```toml\n")[1].split("```")[0]
    (folder / "relay.toml").write_text(example)
    config = read_config(folder / "relay.toml")
    assert [stream.name for stream in config.streams] == ["stage", "evening"]
    assert config.streams[0].probe == Probe(url="https://cdn.example/stage.flv", every_s=60)
    assert config.signing is not None
    assert load_signer(config.signing).key_id == "2026-11"


def test_paths_start_where_the_file_is(folder: Path) -> None:
    outputs = '["flv", "out/a.ts", "fmp4:out/live.m3u8", "hls", "rtmp://h/a/b", "ts:-"]'
    (stream,) = parse(
        STREAM.replace("test:", "evening.mp4") + f"outputs = {outputs}\n", folder
    ).streams
    assert stream.input == str(folder / "evening.mp4")
    assert stream.outputs == (
        "flv",
        str(folder / "out/a.ts"),
        f"fmp4:{folder / 'out/live.m3u8'}",
        "hls",
        "rtmp://h/a/b",
        "ts:-",
    )


def test_what_is_not_said_has_its_default(folder: Path) -> None:
    assert parse(STREAM, folder) == RelayConfig(
        streams=(StreamConfig(name="main", room="demo", input="test:"),)
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("gatway = 1\n" + STREAM, "gatway is no key; did you mean gateway?"),
        (STREAM + "outpts = []\n", "stream 'main': outpts is no key; did you mean outputs?"),
        ("[signing]\nfle = 'x'\n" + STREAM, "signing.fle is no key; did you mean file?"),
        (STREAM + "probe = { urll = 'flv' }\n", "stream 'main': probe.urll is no key"),
        (STREAM.replace('"main"', "3"), "[[stream]] number 1: name: expected str, got int"),
        (STREAM + "loop = 'yes'\n", "stream 'main': loop: expected bool, got str"),
        (STREAM + "outputs = ['flv', 1]\n", "stream 'main': outputs[1]: expected str, got int"),
        ('[[stream]]\nroom = "demo"\n', "[[stream]] number 1: the table missing required field"),
        (
            STREAM + "engine = 'fast'\n",
            "stream 'main': engine: invalid enum value 'fast', not one of auto",
        ),
        ("streams_per_worker = 0\n" + STREAM, "streams_per_worker: is not 1 to 50"),
        ("stream = 3\n", "stream: expected array, got int"),
        ("x = = 3\n", "is not TOML"),
        ("", "there is no [[stream]]"),
        (STREAM + STREAM, "stream 'main': there are two of that name"),
        (STREAM.replace("main", "a b"), "stream 'a b': name: has 1 to 64 of"),
        (STREAM.replace("demo", "a/b"), "stream 'main': room: "),
        (STREAM.replace("test:", "gopher://x"), "stream 'main': input: 'gopher' is no protocol"),
        (STREAM.replace("test:", "gone.mp4"), "input: "),
        (STREAM.replace("test:", f"{'x' * 300}.mp4"), "no such file"),
        (STREAM + f"outputs = ['{'x' * 300}/a.ts']\n", "there is no such folder"),
        (STREAM + "outputs = []\n", "outputs: there are 1 to 16"),
        (STREAM + "outputs = ['flv', 'flv']\n", "outputs: one is there twice"),
        (STREAM + "outputs = ['avi']\n", "outputs: 'avi' is no output"),
        (STREAM + "outputs = ['gone/a.ts']\n", "there is no such folder"),
        (STREAM + "outputs = ['-', 'ts:-']\n", "standard output is taken by stream 'main'"),
        (STREAM + "engine = 'flv'\n", "engine: the flv engine cannot do it"),
        (FLV + "engine = 'flv'\noutputs = ['hls']\n", "engine: the flv engine cannot do it"),
        (STREAM + "loop = true\n", "loop: only a file can begin again"),
        (STREAM + "paced = false\n", "paced: only a file"),
        (STREAM + "max_message_bytes = 9000\n", "max_message_bytes: is not 300 to 4000"),
        (STREAM + "redirects = ['a b']\n", "redirects: 'a b' is no host"),
        (STREAM + "redirects = ['a.example:80']\n", "redirects: 'a.example:80' is no host"),
        (STREAM + "probe = { url = 'hls' }\n", "probe.url: 'hls' is no output of this stream"),
        (STREAM + "probe = { url = 'file:///etc/passwd' }\n", "probe.url: is flv"),
        (STREAM + "probe = { url = 'http://[' }\n", "probe.url: the address cannot be read"),
        ("gateway = 'http://['\n" + STREAM, "gateway: the address cannot be read"),
        (STREAM + "probe = { for_s = 90 }\n", "probe.for_s: "),
        ("listen = 'here'\n" + STREAM, "listen: 'here' is not HOST:PORT"),
        ("status_listen = '127.0.0.1:8082'\n" + STREAM, "status_listen: is the same as listen"),
        ("gateway = 'ftp://x'\n" + STREAM, "gateway: 'ftp://x' is no http://"),
        ("[signing]\nfile = 'gone.pem'\nid = 'k'\n" + STREAM, "gone.pem: No such file"),
        ("[signing]\nfile = 'evening.mp4'\nid = 'k'\n" + STREAM, "signing: "),
    ],
)
def test_what_is_wrong_is_said_with_its_key(text: str, told: str, folder: Path) -> None:
    assert told in complaint(text, folder)


@pytest.mark.parametrize("output", ["rtmp://h/a/key", "out/a.ts", "out/../out/a.ts", "-"])
def test_two_streams_do_not_write_the_same(output: str, folder: Path) -> None:
    first = STREAM + f"outputs = ['{output.replace('out/../', '')}']\n"
    second = STREAM.replace("main", "other") + f"outputs = ['{output}']\n"
    assert "is taken by stream 'main'" in complaint(first + second, folder)


def test_two_streams_do_not_read_standard_input(folder: Path) -> None:
    first = STREAM.replace("test:", "-")
    told = complaint(first + first.replace("main", "other"), folder)
    assert told == "stream 'other': standard input is taken by stream 'main'"


def test_an_output_is_not_the_input(folder: Path) -> None:
    text = STREAM.replace("test:", "evening.mp4") + "outputs = ['out/../evening.mp4']\n"
    assert "one is the input itself" in complaint(text, folder)


def test_a_file_that_loops_is_paced(folder: Path) -> None:
    text = STREAM.replace("test:", "evening.mp4") + "loop = true\npaced = false\n"
    assert "loop: without pace" in complaint(text, folder)


def test_no_secret_of_an_address_is_in_a_complaint(folder: Path) -> None:
    first = STREAM + "outputs = ['rtmp://user:hunter2@h/a/b?token=hunter2']\n"
    assert "hunter2" not in complaint(first + first.replace("main", "other"), folder)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = " + b"[" * 100_000])
def test_no_file_breaks_the_reader(content: bytes, folder: Path) -> None:
    with pytest.raises(InvalidArgument):
        parse_config(content, folder)


def test_the_sentence_names_the_file(folder: Path) -> None:
    for path in (folder / "gone.toml", folder):
        with pytest.raises(InvalidArgument, match=str(path)):
            read_config(path)
    (folder / "bad.toml").write_text("x = 1\n" + STREAM)
    with pytest.raises(InvalidArgument, match=r"bad\.toml: x is no key"):
        read_config(folder / "bad.toml")


def test_an_address_is_read_with_its_port() -> None:
    assert split_listen("[::1]:80") == ("::1", 80)
    for text in ("1.2.3.4", ":80", "a:b", "a:70000"):
        with pytest.raises(InvalidArgument):
            split_listen(text)


def test_what_goes_to_a_worker_is_bounded(folder: Path) -> None:
    longest = "ü" * 1100
    assert "outputs: is longer than 2048 bytes" in complaint(
        STREAM + f"outputs = ['{longest}.ts']\n", folder
    )
    config = StreamConfig(name="main", room="demo", input="\udce4.mp4")
    with pytest.raises(InvalidArgument, match="input: is not UTF-8"):
        check_config(RelayConfig(streams=(config,)))


def test_an_output_that_is_a_link_to_itself_is_no_fault_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.ts").symlink_to("a.ts")
    config = parse_config((STREAM + "outputs = ['a.ts']\n").encode(), tmp_path)
    assert config.streams[0].outputs == (str(tmp_path / "a.ts"),)
