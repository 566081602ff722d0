"""Packed hours give back exactly what went in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_recorder.stores.columns import Block, BrokenBlock, cut, merge, pack, unpack

numbers = st.one_of(
    st.integers(-(10**6), 10**6).map(lambda whole: whole / 10),
    st.integers(-(2**60), 2**60).map(float),
    st.floats(allow_nan=False, allow_infinity=False),
)
values = st.one_of(st.none(), numbers, st.text(max_size=5))
times = st.lists(st.integers(0, 2**42), unique=True, max_size=30).map(sorted)


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    moments = draw(times)
    column = st.one_of(
        st.lists(values, min_size=len(moments), max_size=len(moments)),
        st.lists(numbers, min_size=len(moments), max_size=len(moments)),
    )
    return Block(moments, draw(st.dictionaries(st.text("abc_:", min_size=1, max_size=4), column, max_size=4)))


@given(blocks())
def test_a_block_reads_as_it_was_written(block: Block) -> None:
    assert unpack(pack(block)) == block


@given(blocks())
def test_one_field_reads_without_the_others(block: Block) -> None:
    wanted = set(list(block.columns)[:1])

    found = unpack(pack(block), wanted.__contains__)

    assert found.columns == {name: block.columns[name] for name in wanted}


def test_an_hour_of_a_miner_takes_less_than_a_tenth_of_its_json() -> None:
    moments = [1_700_000_000_000 + 10_000 * number for number in range(360)]
    block = Block(moments, {"power_w": [3245.0 + number % 7 for number in range(360)], "chip_max_c": [71.5] * 360})

    assert len(pack(block)) < len(moments) * len('{"at":1700000000000,"power_w":3245.0,"chip_max_c":71.5}') / 10


@given(st.binary(max_size=200))
def test_no_bytes_at_all_break_the_reader(content: bytes) -> None:
    with pytest.raises(BrokenBlock):
        unpack(content)


@given(blocks(), st.data())
def test_a_damaged_block_is_said_to_be_broken_or_reads(block: Block, data: st.DataObject) -> None:
    content = bytearray(pack(block))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        unpack(bytes(content))
    except BrokenBlock:
        return


@given(blocks(), st.integers(0, 2**42), st.integers(0, 2**42))
def test_a_cut_block_holds_what_lies_between(block: Block, start: int, stop: int) -> None:
    found = cut(block, start, max(start, stop))

    assert found.times_ms == [time for time in block.times_ms if start <= time < stop]
    assert all(len(column) == len(found.times_ms) for column in found.columns.values())


def test_late_fields_replace_their_own_and_keep_the_others() -> None:
    block = Block([1, 3], {"a": [1.0, 3.0], "b": [10.0, None]})

    merged = merge(block, {1: {"a": 5.0}, 2: {"b": 20.0}})

    assert merged == Block([1, 2, 3], {"a": [5.0, None, 3.0], "b": [10.0, 20.0, None]})
