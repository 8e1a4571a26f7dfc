"""What docs/STREAMS.md and docs/OPERATIONS.md say of the relay is what the relay has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import msgspec
import pytest

from sei.config import Probe, RelayConfig, SigningKey, StreamConfig
from sei.counts import Counts
from sei.inputs.address import parse_address
from sei.outputs.address import parse_output
from sei.relay.metrics import write_metrics
from sei.relay.status import Status, StreamStatus, WorkerStatus
from sei.relay.toml import parse_config

DOCS: Final = Path(__file__).parents[3] / "docs"
STREAMS: Final = (DOCS / "STREAMS.md").read_text()
RELAYS: Final = (DOCS / "OPERATIONS.md").read_text().partition("## Relays")[2].partition("\n## ")[0]
NAMES: Final = re.compile(r"`(?:[^`]*?\W)?(seatsync_(?:relay|sei)_[a-z_]+|…_[a-z_]+)\b[^`]*`")
_SHOWN: Final[dict[object, str]] = {None: "none", (): "none", ("flv",): '`["flv"]`'}


def part(heading: str) -> str:
    """Give what stands under a heading, up to the next one."""
    found = re.search(rf"^##+ {re.escape(heading)}\n(.*?)(?=^##)", STREAMS, re.M | re.S)
    assert found is not None, heading
    return found[1]


def rows(text: str) -> dict[str, list[str]]:
    """Give the cells of tables by their first one."""
    lines = re.findall(r"^\| (.+) \|$", text, re.M)
    return {cells[0]: cells[1:] for cells in (line.split(" | ") for line in lines)}


def shown(default: object) -> str:
    if default is msgspec.NODEFAULT:
        return "required"
    if default in _SHOWN and not isinstance(default, int):
        return _SHOWN[default]
    text = str(default).lower() if isinstance(default, bool) else str(default)
    return f"`{text}`" if isinstance(default, str) else text


@pytest.mark.parametrize("shape", [RelayConfig, StreamConfig])
def test_every_key_is_there_with_its_default(shape: type[msgspec.Struct]) -> None:
    told = rows(part("relay.toml"))
    for field in msgspec.structs.fields(shape):
        if field.name not in ("signing", "streams"):
            assert told[f"`{field.encode_name}`"][0] == shown(field.default), field.name
    for key in SigningKey.__struct_fields__:
        assert f"`[signing]` `{key}`" in told
    assert (Probe().every_s, Probe().for_s) == (60, 10)
    assert "every_s = 60, for_s = 10" in told["`probe`"][1]


def test_every_input_and_output_that_is_written_there_is_taken() -> None:
    for cell in rows(part("Inputs")):
        for address in re.findall(
            r"`([^`.]\S*)`", cell.replace("[:port]", "").replace("…", "h/a/n")
        ):
            assert parse_address(address).kind not in ("file", "")
    for cell in rows(part("Outputs")):
        for output in re.findall(r"`([^`.]\S*)`", cell.replace("…", "host/app/key")):
            assert parse_output(output).kind


def test_the_example_of_pushing_onward_is_a_configuration(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```toml\n(.*?)^```", part("Onward"), re.M | re.S)
    (stream,) = parse_config(example.encode(), tmp_path).streams
    assert len(stream.outputs) == 3


def test_every_metric_that_is_named_exists() -> None:
    named = {name.replace("…_", "seatsync_relay_") for name in NAMES.findall(STREAMS + RELAYS)}
    assert len(named) > 12
    assert {re.sub(r"_bucket$", "", name) for name in named} <= families()


def families() -> set[str]:
    stream = StreamStatus(
        name="a",
        room="a",
        state="live",
        error_code="",
        error="",
        input="test:",
        worker=1,
        packets_per_s=1.0,
        delay_p50_ms=None,
        delay_p99_ms=None,
        state_age_s=1.0,
        injects=True,
        outputs={},
        counts=Counts(),
    )
    worker = WorkerStatus(place=1, number=1, pid=1, rss_bytes=1, streams=1, restarts=0, hangs=0)
    status = Status(
        streams=[stream],
        workers=[worker],
        restarts=0,
        hangs=0,
        room_ages_s={"a": 1.0},
        states={"channel": "ws"},
    )
    samples = re.findall(r"^([a-z_]+)[{ ]", write_metrics(status).decode(), re.M)
    return {*samples, "seatsync_relay_delay_seconds"}
