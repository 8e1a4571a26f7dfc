"""``seatsync token``: what it signs, and where its secret is kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jwt
import pytest

SECRET_VARIABLE = "SEATSYNC_JWT_SECRET"


def test_token_signs_what_the_gateway_takes(run: Any, environment: dict[str, str]) -> None:
    flags = ["--kind", "staff", "--nickname", "Bob é", "--avatar", "a/b", "--docs", "x-a, x-b"]
    result = run("token", "--user", "bob", "--ttl", "60", *flags)
    assert (result.status, result.errors) == (0, "")
    claims = jwt.decode(result.output.strip(), environment[SECRET_VARIABLE], algorithms=["HS256"])
    exp = claims.pop("exp")
    assert claims == {
        "sub": "bob",
        "kind": "staff",
        "nickname": "Bob é",
        "avatar": "a/b",
        "docs": ["x-a", "x-b"],
    }
    assert isinstance(exp, int)


@pytest.mark.parametrize("user", ["", "a b", "x" * 65, "ü", "a/b"])
def test_token_refuses_a_user_id_that_is_none(run: Any, user: str) -> None:
    result = run("token", "--user", user)
    assert (result.status, result.output) == (2, "")
    assert "--user" in result.complaint


def test_token_makes_a_secret_once_and_keeps_it_private(
    run: Any, environment: dict[str, str]
) -> None:
    first, second = (
        run("token", "--user", "bob", without=(SECRET_VARIABLE,)).output for _ in range(2)
    )
    secret = Path(environment["SEATSYNC_DATA"]) / "jwt-secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    key = secret.read_text().strip()
    for text in (first, second):
        assert jwt.decode(text.strip(), key, algorithms=["HS256"])["sub"] == "bob"
    secret.chmod(0o644)
    refused = run("token", "--user", "bob", without=(SECRET_VARIABLE,))
    assert refused.status == 2
    assert "chmod 600" in refused.complaint


def test_token_without_a_usable_folder_says_so(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run(
        "token", "--user", "bob", "--data", str(tmp_path / "file"), without=(SECRET_VARIABLE,)
    )
    assert result.status == 2
    assert str(tmp_path / "file") in result.complaint
