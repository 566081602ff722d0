"""What the WhatsMiner driver sends, byte for byte, against the test vectors of PROTOCOLS.md 1.1 and 1.4."""

import base64

from Crypto.Cipher import AES

from hashbus_poller.drivers.whatsminer import commands
from hashbus_poller.drivers.whatsminer.commands import Account

OWNER = Account("super", "miner-pass1")
SALT = "Qw3rTy7u"
TS = 1760000000
POOL = ("stratum+tcp://pool.example:3333", "farm.w1", "x")


def test_a_read_is_framed_with_its_length_in_little_endian() -> None:
    assert commands.SALT.frame == b'\x28\x00\x00\x00{"cmd":"get.device.info","param":"salt"}'


def test_a_signature_is_command_password_salt_and_time_hashed_together() -> None:
    digest = commands.digest_of("set.miner.power_limit", OWNER.password, SALT, TS)
    assert digest.hex() == "34cec11bf8f7ae8dc0099f1a4429926b973767633f6547e9fd5fc4ec22727ac4"
    assert commands.token_of(digest) == "NM7BG/j3"


def test_a_power_limit_is_signed_and_sent_exactly_so() -> None:
    question = commands.signed(commands.power_limit(3000), OWNER, SALT, TS)
    assert question.frame == (
        b'\x61\x00\x00\x00{"cmd":"set.miner.power_limit","ts":1760000000,"token":"NM7BG/j3",'
        b'"account":"super","param":3000}'
    )


def test_a_pool_travels_encrypted_under_the_digest() -> None:
    question = commands.signed(commands.pools(*POOL), OWNER, SALT, TS)
    param = (
        b"oZdd6Sg81+wrHABqpRxvNyQxYbCy3ipSKXK7xb3t70Upa8+GxEHVbJVAdSz7e0eXxWoFudh4OsuKE97uky0amtKS2W7NbnrUTUw3byFTXoM="
    )
    assert b'"token":"WndQeT6P"' in question.frame
    assert b'"param":"' + param + b'"' in question.frame


def test_the_pool_can_be_deciphered_with_what_the_miner_knows() -> None:
    digest = commands.digest_of("set.miner.pools", OWNER.password, SALT, TS)
    cipher = base64.b64decode(commands.encrypted(b'[{"pool":"p"}]', digest))
    assert AES.new(digest, AES.MODE_ECB).decrypt(cipher) == b'[{"pool":"p"}]\x02\x02'


def test_an_object_is_sent_as_an_object_or_as_a_json_string() -> None:
    order = commands.power_percent(75)
    assert b'"param":{"percent":"75","mode":"fast"}' in commands.signed(order, OWNER, SALT, TS).frame
    as_text = commands.signed(order, OWNER, SALT, TS, objects_as_text=True)
    assert rb'"param":"{\"percent\":\"75\",\"mode\":\"fast\"}"' in as_text.frame


def test_words_and_numbers_stay_what_they_are_when_objects_are_text() -> None:
    for order in (commands.power_limit(3000), commands.service("stop"), commands.led(on=False), commands.REBOOT):
        plain = commands.signed(order, OWNER, SALT, TS)
        assert commands.signed(order, OWNER, SALT, TS, objects_as_text=True) == plain


def test_what_goes_on_the_tape_holds_neither_password_nor_token_nor_pool() -> None:
    for order in (commands.power_limit(3000), commands.pools("stratum+tcp://p:1", "w", "pool-secret"), commands.REBOOT):
        question = commands.signed(order, OWNER, SALT, TS)
        token = commands.token_of(commands.digest_of(order.cmd, OWNER.password, SALT, TS))
        for shown in (question.name, repr(question), repr(order), repr(OWNER)):
            assert OWNER.password not in shown
            assert token not in shown
            assert "pool-secret" not in shown
    assert commands.signed(commands.power_limit(3000), OWNER, SALT, TS).name == "set.miner.power_limit 3000"
