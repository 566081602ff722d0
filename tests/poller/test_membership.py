"""Sharing among live pollers: every device has exactly one, few move, and nobody begins before the other has let go."""

from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.membership import Claims, Roster
from hashbus_poller.sharding import owner_of

DEVICES: dict[str, str | None] = {f"miner-{number}": None for number in range(2_000)}
NAMES = st.sets(st.integers(1, 30).map(lambda number: f"poller-{number}"), min_size=1, max_size=8)
LEASE_S = 15.0


@given(NAMES, st.text(min_size=1, max_size=30))
def test_every_device_has_exactly_one_owner_among_the_members(members: set[str], device: str) -> None:
    assert owner_of(device, members) in members
    assert owner_of(device, sorted(members)) == owner_of(device, sorted(members, reverse=True)), "whatever their order"
    claimed = [me for me in members if Claims().among(members, me, {device: None}, 0).since_s]
    assert len(claimed) == 1


@given(NAMES.filter(lambda members: len(members) > 1), st.data())
def test_a_leaving_member_moves_only_its_own_devices(members: set[str], data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(sorted(members)))
    rest = members - {gone}
    devices = [f"miner-{number}" for number in range(200)]
    moved = {device for device in devices if owner_of(device, members) != owner_of(device, rest)}
    assert moved == {device for device in devices if owner_of(device, members) == gone}


def test_each_member_has_its_share() -> None:
    members = ("poller", "poller-2", "poller-3", "poller-4")
    shares = [sum(owner_of(device, members) == me for device in DEVICES) for me in members]
    assert sum(shares) == len(DEVICES)
    assert all(400 < share < 600 for share in shares)


def test_nobody_owns_anything_where_nobody_is() -> None:
    assert owner_of("attic", ()) is None


def test_a_member_is_there_for_a_lease_after_its_heartbeat() -> None:
    roster = Roster().with_beat("poller", 0).with_beat("poller-2", 10)
    assert roster.members(15, LEASE_S) == {"poller", "poller-2"}
    assert roster.members(15.1, LEASE_S) == {"poller-2"}


def test_a_last_will_takes_a_member_out_at_once() -> None:
    assert Roster().with_beat("poller", 0).without("poller").members(0, LEASE_S) == frozenset()


def test_after_an_outage_of_the_broker_everybody_has_a_new_lease() -> None:
    roster = Roster().with_beat("poller", 0).with_beat("poller-2", 0).excused(100)
    assert roster.members(110, LEASE_S) == {"poller", "poller-2"}


def test_what_stays_ones_own_is_not_taken_anew() -> None:
    before = Claims().among({"poller"}, "poller", DEVICES, 0)
    after = before.among({"poller", "poller-2"}, "poller", DEVICES, 60)
    assert after.since_s
    assert all(since_s == 0 for since_s in after.since_s.values())


def test_what_comes_is_taken_a_handover_later() -> None:
    first = Claims().among({"poller", "poller-2"}, "poller", DEVICES, 0)
    alone = first.among({"poller"}, "poller", DEVICES, 60)
    assert alone.due(62, 5) == first.since_s.keys()
    assert alone.due(65, 5) == DEVICES.keys()


def test_who_is_not_heard_claims_nothing() -> None:
    assert not Claims().among({"poller-2"}, "poller", DEVICES, 0).since_s


def test_a_device_that_hangs_on_one_poller_is_no_other_ones() -> None:
    devices = {"boiler": "poller-2"}
    assert Claims().among({"poller", "poller-2"}, "poller-2", devices, 0).since_s
    assert not Claims().among({"poller"}, "poller", devices, 0).since_s, "not even when its own is gone"


@given(
    st.lists(st.tuples(st.sampled_from(["beat", "gone", "wait"]), st.sampled_from(["a", "b", "c"])), max_size=40),
)
def test_whatever_comes_and_goes_two_that_hear_the_same_never_read_the_same(events: list[tuple[str, str]]) -> None:
    """All members hear the same at the same moment; each takes what has been its own for a beat."""
    roster, claims, now_s = Roster(), {name: Claims() for name in "abc"}, 0.0
    for kind, name in events:
        now_s += 4
        roster = roster.with_beat(name, now_s) if kind == "beat" else roster.without(name) if kind == "gone" else roster
        members = roster.members(now_s, LEASE_S)
        claims = {me: its.among(members, me, {"attic": None, "cellar": None}, now_s) for me, its in claims.items()}
        taken = [device for its in claims.values() for device in its.due(now_s, 5)]
        assert len(taken) == len(set(taken))
