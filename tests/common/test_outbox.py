"""The outbox keeps order, replaces what is out of date, and never loses silently."""

from hypothesis import given
from hypothesis import strategies as st

from hashbus.outbox import Outbox
from hashbus.topics import Keep


def put(outbox: Outbox, address: str, payload: bytes, keep: Keep = Keep.EVERY, *, retain: bool = True) -> None:
    outbox.put(address, payload, qos=1, retain=retain, keep=keep)


def payloads(outbox: Outbox) -> list[bytes]:
    return [parcel.payload for parcel in outbox.waiting()]


def test_a_state_holds_one_place_however_often_it_is_said() -> None:
    outbox = Outbox()
    for number in range(10):
        put(outbox, "setpoint", b"%d" % number, Keep.LATEST)
    assert payloads(outbox) == [b"9"]


def test_readings_wait_in_order_each_of_them() -> None:
    outbox = Outbox()
    for number in range(3):
        put(outbox, "telemetry", b"%d" % number)
    assert payloads(outbox) == [b"0", b"1", b"2"]


def test_at_the_bound_the_oldest_reading_goes_before_an_event() -> None:
    outbox = Outbox(bound=2)
    put(outbox, "result", b"event", retain=False)
    put(outbox, "telemetry", b"old")
    put(outbox, "telemetry", b"new")
    assert payloads(outbox) == [b"event", b"new"]
    assert outbox.dropped == 1


def test_what_was_in_flight_on_a_lost_connection_goes_first_again() -> None:
    outbox = Outbox()
    for payload in (b"1", b"2", b"3"):
        put(outbox, "result", payload)
    outbox.confirm(outbox.take())
    outbox.take()
    outbox.give_back()
    assert payloads(outbox) == [b"2", b"3"]


def test_an_old_state_in_flight_does_not_overtake_the_new_one() -> None:
    outbox = Outbox()
    put(outbox, "setpoint", b"old", Keep.LATEST)
    outbox.take()
    put(outbox, "setpoint", b"new", Keep.LATEST)
    outbox.give_back()
    assert payloads(outbox) == [b"new"]


def test_of_two_states_in_flight_the_later_one_waits_again_behind_what_was_said_between() -> None:
    outbox = Outbox()
    put(outbox, "setpoint", b"old", Keep.LATEST)
    outbox.take()
    put(outbox, "result", b"between")
    put(outbox, "setpoint", b"new", Keep.LATEST)
    outbox.take()
    outbox.take()
    outbox.give_back()
    assert payloads(outbox) == [b"between", b"new"]


steps = st.lists(st.sampled_from(["put", "state", "take", "confirm", "lose"]), max_size=200)


@given(steps)
def test_every_message_is_delivered_waiting_replaced_or_counted(steps: list[str]) -> None:
    outbox, in_flight, delivered, said = Outbox(bound=20), [], [], 0
    for number, step in enumerate(steps):
        if step == "put":
            put(outbox, "event", b"%d" % number, retain=False)
            said += 1
        elif step == "state":
            put(outbox, "state", b"%d" % number, Keep.LATEST)
        elif step == "take" and outbox.has_waiting():
            in_flight.append(outbox.take())
        elif step == "confirm" and in_flight:
            parcel = in_flight.pop(0)
            outbox.confirm(parcel)
            delivered.append(parcel)
        elif step == "lose":
            outbox.give_back()
            in_flight.clear()
    events = {parcel.number for parcel in [*delivered, *outbox.waiting(), *in_flight] if parcel.address == "event"}
    assert len(events) >= said - outbox.dropped
    assert len(outbox) <= 20
    waiting = [parcel.number for parcel in outbox.waiting()]
    assert waiting == sorted(waiting)
