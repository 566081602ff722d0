"""Frames of API v3 come out whole, however TCP cuts or joins them (PROTOCOLS.md 1.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.drivers.whatsminer.frames import LONGEST_FRAME, FrameReader, framed

HEARTBEAT = b"\x00\x00\x00\x00"


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_frames_survive_any_cut(documents: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(framed(document) for document in documents)
    reader, seen = FrameReader(), []
    for index, cut in enumerate(cuts):
        piece = stream if index == len(cuts) - 1 else stream[:cut]
        stream = stream[len(piece) :]
        seen += reader.feed(piece)
    assert seen == [document for document in documents if document]
    assert not reader.is_amid


def test_heartbeats_are_passed_over() -> None:
    assert FrameReader().feed(HEARTBEAT + framed(b"one") + HEARTBEAT * 2 + framed(b"two")) == [b"one", b"two"]


def test_half_a_frame_is_kept_for_its_rest() -> None:
    reader = FrameReader()
    assert reader.feed(framed(b"answer")[:7]) == []
    assert reader.is_amid
    assert reader.feed(framed(b"answer")[7:]) == [b"answer"]


def test_a_mebibyte_is_taken_and_a_byte_more_is_garbled() -> None:
    assert FrameReader().feed(framed(b"0" * LONGEST_FRAME)) == [b"0" * LONGEST_FRAME]
    with pytest.raises(Garbled, match="1048577 bytes") as caught:
        FrameReader().feed((LONGEST_FRAME + 1).to_bytes(4, "little") + b"start")
    assert caught.value.payload.endswith(b"start")


@given(st.lists(st.binary()))
def test_no_stream_crashes_the_reader_or_makes_it_hold_more_than_a_frame(pieces: list[bytes]) -> None:
    reader = FrameReader()
    try:
        for piece in pieces:
            for document in reader.feed(piece):
                assert 0 < len(document) <= LONGEST_FRAME
    except Garbled as garbled:
        announced = int.from_bytes(garbled.payload[:4], "little")
    else:
        return
    assert announced > LONGEST_FRAME
