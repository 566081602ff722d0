"""What the driver of API v2 sends, to the byte of PROTOCOLS.md 2.4."""

import json

import pytest

from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.whatsminer_v2 import commands
from hashbus_poller.drivers.whatsminer_v2.commands import Order, Token

SHEET = {"time": "4821", "salt": "kV2mXp9R", "newsalt": "Zt4cW8nE"}
TOKEN = Token(sign="baF8zLRQjg4Pwwu/RKGIC1", key="7T8X/rqfr/Gd9M4Dvo8RX0")
DATA = (
    "D2vp4Je9FHo6/tqfr/NeVnYe/7/vRG+9QpaVXGCLyLmRYFCXB0Pf9p3DpaK5J+HC"
    "cmDL0YrEhahXjyxI2PQ4Twn8XeoRD7aMS/jQUQBhEI/QTw9T8kpNObbh3dlCSkTn"
)
REPLY = (
    "/KMJ1LB6xAkZ5rrPPjoYjGiSyZVdxoWWfmNa+rIPxl/IJCUcvymqDgY3UJTCsGEk"
    "l+lxWOasgbJBM2aq/qm/TDkGvX9yQ+c2k3qsJDuZDAWiwL9I1WAgW1B5V6F7uoYU"
)
REPLY_TEXT = b'{"STATUS":"S","When":1760000001,"Code":131,"Msg":"API command OK","Description":""}'


def said(question: Question) -> object:
    return json.loads(question.request)


def test_the_token_is_that_of_the_protocol_sheet() -> None:
    assert commands.token("miner-p1", **SHEET) == TOKEN


def test_a_time_that_is_told_in_full_counts_by_its_last_four_digits() -> None:
    assert commands.token("miner-p1", **{**SHEET, "time": "1760004821"}) == TOKEN


def test_an_enciphered_order_is_that_of_the_protocol_sheet() -> None:
    assert said(commands.enciphered(commands.power_limit(3000), TOKEN)) == {"enc": 1, "data": DATA}


def test_a_reply_is_deciphered_as_in_the_protocol_sheet() -> None:
    assert commands.decrypted(REPLY, TOKEN) == REPLY_TEXT
    assert commands.encrypted(REPLY_TEXT, TOKEN) == REPLY


@pytest.mark.parametrize("data", ["", "***", "AAAA", "abc"])
def test_what_is_no_cipher_is_nothing(data: str) -> None:
    assert not commands.decrypted(data, TOKEN)


@pytest.mark.parametrize(
    ("words", "request_body"),
    [
        (("summary", "edevs", "pools"), {"command": "summary+edevs+pools"}),
        (("summary",), {"command": "summary"}),
        (("status",), {"cmd": "status"}),
        (("get_psu",), {"cmd": "get_psu"}),
        (("get_token",), {"cmd": "get_token"}),
    ],
)
def test_each_report_is_asked_of_the_process_that_has_it(words: tuple[str, ...], request_body: dict[str, str]) -> None:
    assert said(commands.read(*words)) == request_body


def test_a_pool_takes_the_place_of_all_three() -> None:
    fields = commands.pools("stratum+tcp://a.example:1", "w1", "secret-1").fields
    assert fields == {
        "pool1": "stratum+tcp://a.example:1", "worker1": "w1", "passwd1": "secret-1",
        "pool2": "", "worker2": "", "passwd2": "", "pool3": "", "worker3": "", "passwd3": "",
    }  # fmt: skip


@pytest.mark.parametrize("order", [commands.pools("stratum+tcp://a.example:1", "w1", "secret-1"), TOKEN])
def test_nothing_secret_shows_in_a_repr(order: Order | Token) -> None:
    assert not any(secret in repr(order) for secret in ("secret-1", TOKEN.sign, TOKEN.key))


def test_the_name_of_an_order_shows_its_fields_unless_they_are_secret() -> None:
    assert commands.power_limit(3000).name == "adjust_power_limit power_limit=3000"
    assert commands.pools("stratum+tcp://a.example:1", "w1", "secret-1").name == "update_pools"


def test_what_may_be_sent_is_listed() -> None:
    assert not {"factory_reset", "update_pwd", "net_config", "download_logs"} & commands.ALLOWED
