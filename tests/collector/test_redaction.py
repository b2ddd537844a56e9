"""What may not be stored is found, everything else is left alone."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.redaction import Redactor
from tests.collector.wire import KEY
from tests.samples import samples_path

REDACT = Redactor(key=KEY)

SECRETS = [
    pytest.param("-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\nQ0==\n-----END RSA PRIVATE KEY-----",
                 "private_key", id="pem"),
    pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN", "jwt",
                 id="jwt"),
    pytest.param("AKIAIOSFODNN7EXAMPLE", "aws_key", id="aws"),
    pytest.param("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "github_token", id="github-classic"),
    pytest.param("github_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz", "github_token",
                 id="github-fine"),
    pytest.param("sk-ant-api03-abcdefghijkl0123456789-AA", "api_key", id="anthropic"),
    pytest.param("sk-proj-abcdefghijkl0123456789", "api_key", id="openai"),
    pytest.param("sk_live_abcdefghijkl0123456789", "api_key", id="stripe"),
    pytest.param("AIzaSyA1234567890abcdefghijklmnopqrstuv", "api_key", id="google"),
    pytest.param("xoxb-123456789012-abcdefghijkl", "slack_token", id="slack"),
]  # fmt: skip

PERSONAL = [
    pytest.param("bob.smith+x@mail.example.co.uk", "email", id="email"),
    pytest.param("+1 (415) 555-0132", "phone", id="e164-formatted"),
    pytest.param("+4930123456789", "phone", id="e164"),
    pytest.param("415-555-0132", "phone", id="us-national"),
    pytest.param("(415) 555-0132", "phone", id="us-national-brackets"),
    pytest.param("1-800-222-1222", "phone", id="us-toll-free"),
    pytest.param("06 12 34 56 78", "phone", id="fr-national"),
    pytest.param("020 7946 0958", "phone", id="uk-national"),
    pytest.param("4111 1111 1111 1111", "card", id="card-spaced"),
    pytest.param("5500000000000004", "card", id="card"),
    pytest.param("3782 822463 10005", "card", id="amex"),
    pytest.param("DE89 3704 0044 0532 0130 00", "iban", id="iban-spaced"),
    pytest.param("GB82WEST12345698765432", "iban", id="iban"),
    pytest.param("123-45-6789", "ssn", id="ssn"),
    pytest.param("83.12.4.9", "ip", id="ipv4"),
    pytest.param("2001:db8:85a3::8a2e:370:7334", "ip", id="ipv6"),
    pytest.param("2001:0db8:85a3:0000:0000:8a2e:0370:7334", "ip", id="ipv6-written-out"),
    pytest.param("fe80::1ff:fe23:4567:890a", "ip", id="ipv6-of-a-link"),
]

HARMLESS = [
    "The flight HAT001 leaves on 2024-05-15 at 15:00:00 EST for $1,234.56.",
    "Reservation 4WQ150, order #W2378156, item 1008292230, certificate_7504069.",
    "2026-11-21T03:17:27.123456+00:00 and 01-02-2024 10:30:00 and 21/11/2026 03:17",
    "credit_card_7815826 and gift_card_1234567 of mia_li_3668",
    "version 3.11.7, 12.5 percent, pages 100-200, ratio 16:9, zip 94105-1234",
    "epoch 1790000000000000000 and 1790000000000 and 1790000000",
    "4111 1111 1111 1112 fails the check digit",
    "DE89 3704 0044 0532 0130 01 fails mod 97",
    "Basic economy passengers, the bearer of bad news, a secret: none, passwords are hard",
    "sk-learn-is-a-nice-library and risk-free-investments-for-everyone",
    '{"Smartphone": "1801728040", "Headphones": "6992792935"}',
    "localhost is 127.0.0.1",
    "trace 4bf92f3577b34da6a3ce929d0e0e4736 span 00f067aa0ba902b7",
    "std::vector, a::b, abc::def, Foo::bar and aa:bb:cc:dd:ee:ff at 12:30:45:10",
    "x" * 5000,
]


@pytest.mark.parametrize(("value", "kind"), [*SECRETS, *PERSONAL])
@pytest.mark.parametrize(
    "template",
    [
        pytest.param("{}", id="alone"),
        pytest.param("it is {}, thanks", id="in-prose"),
        pytest.param("line\n{}\nline", id="own-line"),
    ],
)
def test_a_value_becomes_a_typed_placeholder(template, value, kind):
    clean = REDACT.text(template.format(value))

    assert re.fullmatch(
        re.escape(template).replace(re.escape("{}"), rf"\[{kind}:[0-9a-f]{{6}}\]"), clean
    )


@pytest.mark.parametrize(("value", "kind"), [*SECRETS, *PERSONAL])
def test_json_inside_a_string_stays_json(value, kind):
    inner = json.dumps([{"content": f"first\n{value}\tlast", "list": [value, 1]}])
    outer = json.dumps(inner)

    clean = json.loads(json.loads(REDACT.text(outer)))

    assert re.fullmatch(rf"first\n\[{kind}:[0-9a-f]{{6}}\]\tlast", clean[0]["content"])
    assert clean[0]["list"][1] == 1


@pytest.mark.parametrize("text", HARMLESS, ids=range(len(HARMLESS)))
def test_what_only_looks_like_personal_data_is_left_alone(text):
    assert REDACT.text(text) == text


@pytest.mark.parametrize(("value", "kind"), PERSONAL)
def test_personal_data_stays_where_settings_say_so(value, kind):
    assert Redactor(key=KEY, personal=False).text(f"it is {value}") == f"it is {value}"


@pytest.mark.parametrize(("value", "kind"), SECRETS)
def test_secrets_go_in_any_case(value, kind):
    assert value not in Redactor(key=KEY, personal=False).text(f"it is {value}")


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        pytest.param("Bearer abcdef0123456789abcdef", "abcdef0123456789", id="bearer"),
        pytest.param("Authorization: Basic dXNlcjpwYXNzd29yZDE=", "dXNlcjpw", id="basic"),
        pytest.param("postgres://bob:hunter2x@db.internal/x", "hunter2x", id="url"),
        pytest.param('{"api_key": "abcd1234efgh5678"}', "abcd1234efgh5678", id="json-field"),
        pytest.param("PASSWORD=correcth0rse", "correcth0rse", id="assignment"),
    ],
)
def test_a_secret_is_known_by_what_stands_before_it(text, secret):
    assert secret not in REDACT.text(text)


def test_a_bare_number_in_json_stays_a_number():
    text = json.dumps({"card": 4111111111111111, "phone_number": 4155550132})

    assert json.loads(REDACT.text(text)) == {"card": 0, "phone_number": 0}


def test_an_escaped_at_sign_hides_nothing():
    assert "bob" not in REDACT.text(r'{"mail": "bob\u0040example.com"}')


def test_inline_media_keeps_its_type_and_loses_its_bytes():
    image = base64.b64encode(bytes(range(256)) * 8).decode()

    clean = REDACT.text(f'{{"url": "data:image/png;base64,{image}", "raw": "{image}"}}')

    assert clean.startswith('{"url": "data:image/png;base64,[media:')
    assert set(json.loads(clean)) == {"url", "raw"}
    assert image[:100] not in clean


def test_equal_values_have_equal_placeholders_and_others_do_not():
    clean = REDACT.text("415-555-0132 (415) 555-0132 Bob@x.com bob@x.com eve@x.com").split(" ")

    assert clean[0] == clean[1]
    assert clean[2] == clean[3] != clean[4]


def test_another_key_gives_other_placeholders():
    assert REDACT.text("a@b.com") != Redactor(key=b"other").text("a@b.com")
    assert REDACT.user("bob") != Redactor(key=b"other").user("bob")


def test_values_are_counted_by_kind():
    clean, counts = REDACT.texts(["a@b.com and c@d.com", "nothing", "123-45-6789"])

    assert clean[1] == "nothing"
    assert counts == {"email": 2, "ssn": 1}


def test_a_pseudonym_is_stable_and_passes_through():
    once = REDACT.user("bob@example.com")

    assert re.fullmatch("u_[0-9a-f]{16}", once)
    assert REDACT.user(once) == once == REDACT.user("bob@example.com")


def test_a_conversation_id_stays_unless_it_is_personal_data():
    (plain, kept), (_, hidden) = REDACT.identifiers(["conv-17", "+4915112345678"])

    assert kept == plain
    assert re.fullmatch("c_[0-9a-f]{16}", hidden)


PIECES = st.sampled_from(
    [str(p.values[0]) for p in [*SECRETS, *PERSONAL]]
    + ["[email:3f2a9c]", "[", "]", ":", "-", ".", "@", " ", "\n", "\\n", '"', "0", "1", "+1 ", "u_"]
)


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
@settings(max_examples=150, deadline=None)
def test_redacting_twice_is_redacting_once(text):
    once = REDACT.text(text)

    assert REDACT.text(once) == once


@given(st.recursive(PIECES | st.integers() | st.none(), lambda x: st.lists(x, max_size=4)))
@settings(max_examples=100, deadline=None)
def test_json_is_json_afterwards(value):
    json.loads(REDACT.text(json.dumps([value])))


@given(st.lists(st.text(max_size=30) | PIECES, max_size=5))
@settings(max_examples=50, deadline=None)
def test_a_batch_gives_what_single_texts_give(texts):
    assert REDACT.texts(texts)[0] == [REDACT.text(text) for text in texts]


@given(st.lists(st.text(max_size=30) | PIECES, max_size=5), st.integers(0, 2))
@settings(max_examples=100, deadline=None)
def test_a_column_gives_what_its_texts_give_also_where_it_is_a_part_of_another(texts, first):
    column = pa.array(texts, pa.string())[first:]

    clean, counts = REDACT.column(column)

    assert clean.to_pylist() == REDACT.texts(texts[first:])[0]
    assert bool(counts) == (clean != column)


def test_a_text_that_repeats_in_a_column_is_replaced_everywhere_and_counted_once():
    column = pa.array(["mail ann@example.com", "no", "mail ann@example.com"], pa.string())

    clean, counts = REDACT.column(column)

    first, other, last = clean.to_pylist()
    assert first == last == REDACT.text("mail ann@example.com")
    assert (other, counts) == ("no", {"email": 1})


@pytest.mark.parametrize("name", ["tau_airline_gpt4o", "betold_calls", "tau2_medical"])
def test_real_conversations_lose_only_addresses_and_numbers_of_telephones(name):
    with gzip.open(samples_path(f"conversations/{name}.jsonl.gz"), "rt") as lines:
        texts = [json.dumps(json.loads(line)["messages"]) for line in lines]

    clean, counts = REDACT.texts(texts)

    assert set(counts) <= {"email", "phone"}
    for before, after in zip(texts, clean, strict=True):
        restored = re.sub(r"\[(email|phone):\w{6}\]", "", after)
        removed = re.sub(r"[\w.+-]+@[\w.-]+\.\w+|1-800-222-1222", "", before)
        assert restored == removed
