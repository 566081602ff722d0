"""The dongle's frames against the vectors of PROTOCOLS.md 5.2, and against everything that a stream can bring."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.drivers.contract import DeviceError, Garbled, Unreachable, Unsupported
from hashbus_poller.drivers.luxpower import parse
from hashbus_poller.drivers.luxpower.commands import Block, Write, request
from hashbus_poller.drivers.luxpower.frames import Frame, crc16, taken, translated

DONGLE, INVERTER = "BA12345678", "4512345678"
READ_0_TO_39 = bytes.fromhex(
    "a11a0100200001c24241313233343536373812000004343531323334353637380000280033 52".replace(" ", "")
)
REPLY_OF_SIX = bytes.fromhex(
    "a11a02002b0001c2424131323334353637381d0001043435313233343536373800000c0400b80d000000001a024c6461f8"
)
HEARTBEAT = bytes.fromhex("a11a02000d0001c14241313233343536373800")
WRITE_105_20 = bytes.fromhex("a11a0100200001c242413132333435363738120000063435313233343536373869001400bdcf")
FIRST_SIX = Block(0, 6)


def question(block: Block | Write = FIRST_SIX, *, dongle: str = DONGLE, inverter: str = INVERTER) -> parse.Question:
    return parse.Question(dongle.encode(), inverter.encode(), block)


def only_frame(data: bytes) -> Frame:
    received = bytearray(data)
    frame = taken(received)
    assert frame is not None
    assert not received
    return frame


def reply(data: bytes, *, protocol: int = 2, dongle: str = DONGLE) -> Frame:
    """A frame around a data frame, as the dongle sends it."""
    wire = bytearray(translated(dongle, data))
    wire[2] = protocol
    return only_frame(bytes(wire))


def data_frame(
    *, action: int = 1, function: int = 4, inverter: str = INVERTER, first: int = 0, rest: bytes = b""
) -> bytes:
    return struct.pack("<BB10sH", action, function, inverter.encode(), first) + rest


SIX_VALUES = b"\x0c" + struct.pack("<6H", 4, 3512, 0, 0, 538, 0x644C)


def test_the_question_for_input_0_to_39_is_that_of_the_sheet() -> None:
    assert request(DONGLE, INVERTER, Block(0)) == READ_0_TO_39


def test_the_reply_of_the_sheet_has_its_six_values() -> None:
    assert parse.answer(only_frame(REPLY_OF_SIX), question()) == (4, 3512, 0, 0, 538, 0x644C)


def test_a_heartbeat_is_a_frame_that_answers_nothing() -> None:
    frame = only_frame(HEARTBEAT)
    assert frame.function == 0xC1
    assert parse.answer(frame, question()) is None


@given(st.integers(0, len(REPLY_OF_SIX)), st.integers(0, len(HEARTBEAT)))
def test_frames_come_whole_however_the_stream_was_split(first_cut: int, second_cut: int) -> None:
    stream = REPLY_OF_SIX + HEARTBEAT + REPLY_OF_SIX
    received, frames = bytearray(), []
    ends = sorted((first_cut, len(REPLY_OF_SIX) + second_cut, len(stream)))
    begin = 0
    for end in ends:
        received += stream[begin:end]
        begin = end
        while received and (frame := taken(received)) is not None:
            frames.append(frame)
    assert [frame.function for frame in frames] == [0xC2, 0xC1, 0xC2]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(reply(data_frame(inverter="9999999999", rest=SIX_VALUES)), id="another inverter"),
        pytest.param(reply(data_frame(rest=SIX_VALUES), dongle="ZZ99999999"), id="another dongle"),
        pytest.param(reply(data_frame(function=3, rest=SIX_VALUES)), id="holding registers, asked by the cloud"),
        pytest.param(reply(data_frame(first=40, rest=SIX_VALUES)), id="other registers"),
        pytest.param(reply(data_frame(rest=b"\x06\1\0\2\0\3\0")), id="the same registers in another number"),
        pytest.param(reply(data_frame(action=0, rest=b"\x06\0")), id="a question of the cloud"),
        pytest.param(reply(data_frame(function=6, rest=b"\x14\0")), id="a write of the cloud"),
    ],
)
def test_what_is_for_somebody_else_is_passed_over(frame: Frame) -> None:
    assert parse.answer(frame, question()) is None


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(reply(b"\1\4short"), id="too short for any data frame"),
        pytest.param(reply(data_frame(action=7, rest=SIX_VALUES)), id="no such action"),
        pytest.param(reply(data_frame(function=99, rest=SIX_VALUES)), id="no such function"),
        pytest.param(reply(data_frame(rest=SIX_VALUES[:-2])), id="fewer bytes than it says"),
        pytest.param(reply(data_frame()), id="no values"),
        pytest.param(reply(data_frame(function=0x84)), id="refused without a code"),
        pytest.param(only_frame(REPLY_OF_SIX[:-1] + b"\0"), id="wrong checksum"),
    ],
)
def test_an_answer_that_makes_no_sense_is_garbled(frame: Frame) -> None:
    with pytest.raises(Garbled):
        parse.answer(frame, question())


def test_a_reply_marked_as_protocol_1_is_one_value_without_a_count() -> None:
    frame = reply(data_frame(first=105, rest=b"\x14\0"), protocol=1)
    assert parse.answer(frame, question(Block(105, 1))) == (20,)


def test_a_write_is_the_published_frame() -> None:
    assert request(DONGLE, INVERTER, Write(105, 20)) == WRITE_105_20


@pytest.mark.parametrize("rest", [b"\x14\0", b"\2\x14\0"], ids=["an echo", "an echo like a read one"])
def test_an_echo_confirms_a_write(rest: bytes) -> None:
    frame = reply(data_frame(function=6, first=105, rest=rest))
    assert parse.answer(frame, question(Write(105, 20))) == (20,)


def test_what_the_cloud_writes_into_the_same_register_confirms_nothing() -> None:
    frame = reply(data_frame(function=6, first=105, rest=b"\x50\0"))
    assert parse.answer(frame, question(Write(105, 20))) is None


def test_a_refused_write_names_register_and_value() -> None:
    frame = reply(data_frame(function=0x86, first=105, rest=b"\3"))
    with pytest.raises(Unsupported, match="holding 105 = 20: exception 3"):
        parse.answer(frame, question(Write(105, 20)))


@pytest.mark.parametrize(("code", "error"), [(1, Unsupported), (2, Unsupported), (3, Unsupported), (6, Unreachable)])
def test_a_refusal_is_told_with_its_code(code: int, error: type[DeviceError]) -> None:
    with pytest.raises(error, match=f"input 0..5: exception {code}"):
        parse.answer(reply(data_frame(function=0x84, rest=bytes((code,)))), question())


@pytest.mark.parametrize("announced", [0, 3, 5_000, 65_535])
def test_an_absurd_length_is_garbled_before_it_is_waited_for(announced: int) -> None:
    with pytest.raises(Garbled, match="announced"):
        taken(bytearray(b"\xa1\x1a\x02\x00" + struct.pack("<H", announced)))


def test_the_checksum_is_that_of_modbus() -> None:
    assert crc16(b"123456789") == 0x4B37, "the check value of CRC-16/MODBUS"


@given(st.binary(max_size=200))
def test_no_bytes_at_all_crash_the_parser(data: bytes) -> None:
    received = bytearray(data)
    try:
        while received and (frame := taken(received)) is not None:
            parse.answer(frame, question())
    except DeviceError:
        pass


@given(st.binary(max_size=120), st.sampled_from([1, 2, 3]))
def test_no_data_frame_crashes_the_parser(data: bytes, protocol: int) -> None:
    try:
        values = parse.answer(reply(data, protocol=protocol), question())
    except DeviceError:
        return
    assert values is None or len(values) == 6
