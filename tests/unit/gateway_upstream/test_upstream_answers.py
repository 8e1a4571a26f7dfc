from __future__ import annotations

import pytest

from gateway.upstream.answers import ResponseHead, check_head, usable_tag
from gateway.upstream.faults import WORDS, UpstreamFault


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "Application/JSON; charset=utf-8",
        "application/json;",
        "application/vnd.seats+json",
        "application/problem+json",
    ],
)
def test_a_json_answer_is_a_document(content_type: str) -> None:
    assert check_head(ResponseHead(200, content_type), conditional=False)
    assert check_head(ResponseHead(200, content_type, "Identity"), conditional=True)


@pytest.mark.parametrize("status", [404, 410])
def test_not_found_is_an_answer_too(status: int) -> None:
    assert not check_head(ResponseHead(status, "text/html"), conditional=False)


def test_not_modified_is_an_answer_to_a_condition_alone() -> None:
    assert not check_head(ResponseHead(304), conditional=True)
    with pytest.raises(UpstreamFault) as fault:
        check_head(ResponseHead(304), conditional=False)
    assert fault.value.reason == "refused"


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        *((ResponseHead(status), "redirect") for status in (301, 302, 303, 307, 308)),
        *((ResponseHead(status), "failing") for status in (429, 500, 502, 503, 599)),
        *((ResponseHead(status), "refused") for status in (201, 204, 206, 300, 400, 401, 403)),
        *((ResponseHead(200, "application/json", c), "coded") for c in ("gzip", "br", "x, gzip")),
        *(
            (ResponseHead(200, kind), "content_type")
            for kind in ("", "text/html", "text/json", "application/jsonp", "application/json-seq")
        ),
    ],
)
def test_every_other_answer_is_refused_with_a_reason(head: ResponseHead, reason: str) -> None:
    with pytest.raises(UpstreamFault) as fault:
        check_head(head, conditional=False)
    assert fault.value.reason == reason


def test_an_entity_tag_is_kept_if_it_can_be_sent_back() -> None:
    for tag in ('"1.2"', 'W/"a"', '""', ' "a" '):
        assert usable_tag(tag) == tag.strip()
    for tag in ('"a b"', "", "1.2", '"a', '"a"b"', '"a", "b"', f'"{"a" * 300}"', '"\u00e4"'):
        assert usable_tag(tag) is None


def test_a_fault_is_said_in_words_and_travels_as_unavailable() -> None:
    for reason, words in WORDS.items():
        fault = UpstreamFault(reason).again()
        assert (fault.message, fault.code, fault.travel.status) == (words, "UNAVAILABLE", 503)
    detailed = UpstreamFault("bad_document", "a key stands twice in one object").again()
    assert detailed.message.endswith("can't be a document: a key stands twice in one object")
