"""The status page: what somebody who was woken up looks at, on a phone too. Pure.

The server writes the whole page; a script of a few lines fetches it anew and puts its body in place
of the old one. Without the script it is reloaded.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from sei.relay.status import TROUBLE, Status, StreamStatus, WorkerStatus, is_broken

REFRESH_S: Final = 2
_FRESH_S: Final = 15
"""A state that the gateway confirmed longer ago stands out."""
_SCRIPT: Final = f"""
const again = async () => {{
  try {{
    const answer = await fetch("/", {{cache: "no-store", signal: AbortSignal.timeout(5000)}});
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    document.querySelector("main").replaceWith(page.querySelector("main"));
    document.title = page.title;
    document.body.classList.remove("away");
  }} catch (error) {{
    document.body.classList.add("away");
  }}
  setTimeout(again, {REFRESH_S * 1000});
}};
setTimeout(again, {REFRESH_S * 1000});
"""
_STYLE: Final = """
:root { color-scheme: light dark; --line: #d8dde3; --soft: #667; --card: #fff; --back: #f3f5f7;
  --good: #14733b; --good-back: #d9f2e2; --bad: #a31515; --bad-back: #fbdfdd; --warn: #7a5200;
  --warn-back: #fdeec8; --calm: #445; --calm-back: #e6e9ee; }
@media (prefers-color-scheme: dark) { :root { --line: #333a44; --soft: #9aa4b2; --card: #1b2027;
  --back: #12161b; --good: #7fe0a5; --good-back: #12391f; --bad: #ff9d97; --bad-back: #4a1715;
  --warn: #ffd479; --warn-back: #453208; --calm: #c3ccd8; --calm-back: #2b323c; } }
* { box-sizing: border-box }
body { margin: 0; padding: 1rem; background: var(--back);
  font: 14px/1.4 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { font-size: 1.15rem; margin: 0 } h2 { font-size: 1rem; margin: 1.5rem 0 .5rem }
header { display: flex; flex-wrap: wrap; gap: .4rem 1rem; align-items: center;
  margin-bottom: .8rem }
.away header::after { content: "the relay does not answer"; color: var(--bad); font-weight: 600 }
.box { background: var(--card); border: 1px solid var(--line); border-radius: 8px;
  overflow-x: auto }
table { border-collapse: collapse; width: 100% }
th { text-align: left; font-weight: 600; color: var(--soft); font-size: 12px; white-space: nowrap }
th, td { padding: .45rem .6rem; vertical-align: top; border-bottom: 1px solid var(--line) }
tr:last-child td { border-bottom: 0 }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
small { color: var(--soft); display: block; overflow-wrap: anywhere }
.error { color: var(--bad) } small.error { max-width: 34rem }
.badge { display: inline-block; padding: 0 .5rem; border-radius: 9px; font-size: 12px;
  font-weight: 600; white-space: nowrap; color: var(--calm); background: var(--calm-back) }
.good { color: var(--good); background: var(--good-back) }
.bad { color: var(--bad); background: var(--bad-back) }
.warn { color: var(--warn); background: var(--warn-back) }
.name { font-weight: 600; overflow-wrap: anywhere } .out { margin-bottom: .15rem }
.out::before { content: "\\25cf\\00a0"; color: var(--line) }
.out.good, .out.bad { background: none; color: inherit }
.out.good::before { color: var(--good) } .out.bad::before { color: var(--bad) }
td.wide { min-width: 10rem; overflow-wrap: anywhere } td.name-cell { min-width: 7rem }
footer { margin-top: 1rem; color: var(--soft) } a { color: inherit }
@media (max-width: 60rem) {
  body { padding: .5rem }
  .streams, .streams tbody { display: block }
  .streams thead { display: none }
  .streams tr { display: grid; grid-template-columns: 1fr 1fr 1fr; gap: .35rem .7rem;
    padding: .6rem; border-bottom: 1px solid var(--line) }
  .streams tr:last-child { border-bottom: 0 }
  .streams td { padding: 0; border: 0; text-align: left }
  .streams td::before { content: attr(data-label); display: block; color: var(--soft);
    font-size: 11px }
  .streams td.wide { grid-column: 1 / -1 }
  .streams td.name-cell { grid-column: 1 / 3 } .streams td.name-cell::before { content: none }
  .streams td.state-cell { justify-self: end; text-align: right }
  .streams td.state-cell::before { content: none }
}
"""
_COLOURS: Final = {
    "live": "good",
    "connecting": "warn",
    "stopping": "warn",
    **dict.fromkeys(TROUBLE, "bad"),
}
_NOTHING: Final = "&ndash;"
_LABELS: Final = (
    *("Stream", "State", "Input", "Packets/s", "Delay p50 / p99, ms", "Injected", "Repaired"),
    *("Players", "Reconnects", "Room state", "Outputs"),
)


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


POLICY: Final = (
    f"default-src 'none'; connect-src 'self'; script-src {_hash(_SCRIPT)}; "
    f"style-src {_hash(_STYLE)}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content-Security-Policy: this script and this style, nothing else, from nowhere else."""


def write_page(status: Status) -> str:
    """Write the page; streams that somebody should look at come first."""
    streams = sorted(status.streams, key=lambda one: (not one.in_trouble, one.name))
    rows = "".join(_stream_row(stream) for stream in streams)
    heads = "".join(f"<th>{label}</th>" for label in _LABELS)
    trouble = sum(stream.in_trouble for stream in streams)
    title = f"({trouble}) seatsync relay" if trouble else "seatsync relay"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style>"
        f'<noscript><meta http-equiv="refresh" content="{REFRESH_S}"></noscript></head>'
        f"<body><main>{_header(status, trouble)}"
        f'<div class="box"><table class="streams"><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{_workers(status)}</main>"
        '<footer><a href="/status.json">status.json</a> · <a href="/metrics">metrics</a></footer>'
        f"<script>{_SCRIPT}</script></body></html>"
    )


def _header(status: Status, trouble: int) -> str:
    states = [stream.state for stream in status.streams]
    players = sum(stream.counts.players for stream in status.streams)
    number = f"{len(states)} {_plural('stream', len(states))}"
    verdict = (
        f'<span class="badge bad">{trouble} of {number} in trouble</span>'
        if trouble
        else f'<span class="badge good">all well: {number}</span>'
    )
    return (
        f"<header><h1>seatsync relay</h1>{verdict}"
        f"<span>{states.count('live')} live</span>"
        f"<span>{players} {_plural('player', players)}</span>"
        f"<span>{status.restarts} worker {_plural('restart', status.restarts)}, "
        f"{status.hangs} of them hung</span>{_source(status)}</header>"
    )


def _source(status: Status) -> str:
    """Say how the states of rooms come in."""
    if not status.states:
        return ""
    channel = str(status.states.get("channel", ""))
    told = {"ws": ("good", "states by push"), "poll": ("warn", "states by poll")}
    kind, text = told.get(channel, ("bad", "the gateway is away"))
    return f'<span class="badge {kind}">{text}</span>'


def _stream_row(stream: StreamStatus) -> str:
    counts = stream.counts
    reconnects = str(counts.reconnects)
    if counts.crashes:
        reconnects += f"<small class=error>{counts.crashes} faults</small>"
    delay = f"&le; {_ms(stream.delay_p50_ms)} / {_ms(stream.delay_p99_ms)}"
    cells = (
        ("name-cell", f'<span class="name">{escape(stream.name)}</span>{_room(stream)}'),
        ("state-cell", _badge(stream.state)),
        ("wide", _input(stream)),
        ("n", f"{stream.packets_per_s:.0f}"),
        ("n", delay if stream.delay_p50_ms is not None else _NOTHING),
        ("n", f"{counts.injected}{_small('off' if not stream.injects else '')}"),
        ("n", f"{counts.repaired}{_small(f'{counts.dropped} dropped' if counts.dropped else '')}"),
        ("n", f"{counts.players}{_small(f'{counts.skips} skips' if counts.skips else '')}"),
        ("n", reconnects),
        ("n", _position(stream)),
        ("wide", _outputs(stream)),
    )
    return (
        "<tr>"
        + "".join(
            f'<td class="{kind}" data-label="{label}">{content}</td>'
            for label, (kind, content) in zip(_LABELS, cells, strict=True)
        )
        + "</tr>"
    )


def _room(stream: StreamStatus) -> str:
    return "" if stream.room == stream.name else _small(f"room {stream.room}")


def _input(stream: StreamStatus) -> str:
    facts = ", ".join(text for text in (stream.counts.codec, stream.counts.engine) if text)
    error = ": ".join(text for text in (stream.error_code, stream.error) if text)
    told = f'<small class="error">{escape(error)}</small>' if error else ""
    return f"{escape(stream.input)}{_small(facts)}{told}"


def _position(stream: StreamStatus) -> str:
    if not stream.injects:
        return _NOTHING
    counts = stream.counts
    position = f"{counts.epoch}.{counts.version}" if counts.epoch >= 0 else "none yet"
    age_s = stream.state_age_s
    if age_s is None:
        return f'{position}<small class="error">never heard</small>'
    kind = ' class="error"' if age_s > _FRESH_S else ""
    return f"{position}<small{kind}>{_age(age_s)} old</small>"


def _outputs(stream: StreamStatus) -> str:
    lines = []
    for name, text in stream.outputs.items():
        broken = is_broken(text)
        told = f'<small class="error">{escape(text)}</small>' if broken else ""
        if text.startswith("live,"):
            told = _small(text)
        kind = "bad" if broken else _COLOURS.get(text.partition(",")[0], "")
        lines.append(f'<div class="out {kind}">{escape(name)}{told}</div>')
    if stream.counts.stripped:
        lines.append('<span class="badge bad">stripped on the way</span>')
    if stream.counts.probe:
        lines.append(_small(f"probe: {stream.counts.probe}"))
    return "".join(lines)


def _workers(status: Status) -> str:
    rows = "".join(map(_worker_row, status.workers))
    heads = "".join(
        f"<th>{label}</th>"
        for label in ("Worker", "Process", "Memory", "Streams", "Restarts", "Hung")
    )
    return (
        '<h2>Workers</h2><div class="box"><table class="workers">'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _worker_row(worker: WorkerStatus) -> str:
    place = str(worker.place) if worker.place else "spare"
    memory = f"{worker.rss_bytes / 2**20:.0f} MiB"
    cells = (place, f"{worker.pid} (log {worker.number})", memory)
    numbers = (worker.streams, worker.restarts, worker.hangs)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, *numbers)) + "</tr>"


def _badge(state: str) -> str:
    return f'<span class="badge {_COLOURS.get(state, "")}">{escape(state)}</span>'


def _small(text: str) -> str:
    return f"<small>{escape(text)}</small>" if text else ""


def _ms(value: float | None) -> str:
    return "&infin;" if value is None else f"{value:g}"


def _age(age_s: float) -> str:
    return f"{age_s:.0f} s" if age_s < 120 else f"{age_s / 60:.0f} min"


def _plural(word: str, number: int) -> str:
    return word if number == 1 else word + "s"
