"""What people type: addresses are normalized, and passwords that attackers try first are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from turnbuckle_contrib.accounts.inputs import normalized_email, normalized_name, password_fault


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        pytest.param(" Ada.Lovelace+x@Example.ORG ", "ada.lovelace+x@example.org", id="case-and-blanks"),
        pytest.param("ada@bücher.example", "ada@xn--bcher-kva.example", id="domain-in-unicode"),
        pytest.param("Zoe\u0308@example.org", "zo\u00eb@example.org", id="composed"),
        pytest.param("K\u0131m@example.org", "k\u0131m@example.org", id="dotless-i-stays"),
        pytest.param("\u212aim@example.org", "kim@example.org", id="kelvin-sign-is-k-in-nfc"),
        pytest.param("\u212a\u0301@example.org", "\u1e31@example.org", id="kelvin-sign-with-accent"),
    ],
)
def test_address_is_normalized(typed: str, stored: str) -> None:
    assert normalized_email(typed) in {stored, stored.replace("\u1e31", "\u1e30")}


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@localhost",
        "ada@example..org",
        "ada@-x.org",
        "a b@example.org",
        "ada@example.org\r\nBcc: all@example.org",
        "ada\r\nBcc: all@example.org@example.org",
        "ada,eve@example.org",
        "ada;eve@example.org",
        "<ada@example.org>",
        '"ada"@example.org',
        "ada@[127.0.0.1]",
        "eve@evil.example@example.org",
        ".ada@example.org",
        "ada..b@example.org",
        "a\u202eb@example.org",
        "ad\u200ba@example.org",
        "ada@exa\u0000mple.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 60}.{'f' * 20}.org",
    ],
)
def test_no_address(typed: str) -> None:
    assert normalized_email(typed) is None


@given(st.one_of(st.emails(), st.text(), st.builds("{}@{}".format, st.text(), st.text())))
def test_normalized_address_is_stable_and_fits_into_a_header(typed: str) -> None:
    stored = normalized_email(typed)
    if stored is not None:
        assert normalized_email(stored) == stored
        assert stored.isprintable()
        assert stored.count("@") == 1
        assert not set(stored) & set(' ,;:<>()[]"\\')
        assert len(stored) <= 254


@given(st.text(max_size=300))
def test_any_password_is_judged(password: str) -> None:
    fault = password_fault(password, min_length=8, words=(password[:5], password))
    assert fault or 8 <= len(password) <= 256


@pytest.mark.parametrize(
    ("typed", "stored"), [(" Ada   L ", "Ada L"), ("", None), ("a\u202eb", None), ("x" * 81, None), ("Zoë", "Zoë")]
)
def test_name(typed: str, stored: str | None) -> None:
    assert normalized_name(typed) == stored


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        pytest.param("seven77", "at least 8", id="short"),
        pytest.param("x" * 257, "at most 256", id="long"),
        pytest.param("password1", "attackers", id="common"),
        pytest.param("PassWord1", "attackers", id="common-in-capitals"),
        pytest.param("\uff50assword1", "attackers", id="common-in-full-width"),
        pytest.param("sunshinesunshine", "attackers", id="common-twice"),
        pytest.param("aaaaaaaaaaaaaaaaaaaa", "repeats", id="one-letter"),
        pytest.param("xyzqxyzqxyzqxyzq", "repeats", id="repeated"),
        pytest.param("cdefghijklmnopq", "sequence", id="sequence"),
        pytest.param("ada@example.org1", "address", id="address"),
        pytest.param("LovelaceLovelace!", "address", id="name"),
    ],
)
def test_refused_password(password: str, reason: str) -> None:
    fault = password_fault(password, min_length=8, words=("ada@example.org", "lovelace", "Ada"))
    assert reason in fault


@pytest.mark.parametrize("password", ["tepid walrus umbrella", "ñandú y café", "        h        ", "🦜🦉🐢🐙🦔🦊🐳🐝"])
def test_accepted_password(password: str) -> None:
    assert password_fault(password, min_length=8, words=("ada@example.org", "Ada")) == ""


def test_no_composition_rules() -> None:
    assert password_fault("onlylowercaseletters", min_length=15) == ""
