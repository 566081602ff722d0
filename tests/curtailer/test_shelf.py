"""A shelf behaves as a dict that is never changed."""

from hypothesis import given
from hypothesis import strategies as st

from hashbus_curtailer.shelf import Shelf


@given(st.lists(st.tuples(st.text(max_size=3), st.integers())))
def test_it_holds_what_a_dict_would_hold(entries: list[tuple[str, int]]) -> None:
    shelf, plain = Shelf[int](), dict[str, int]()
    for name, value in entries:
        before, said = shelf, dict(shelf)
        shelf = shelf.with_(name, value)
        plain[name] = value
        assert dict(before) == said
    assert dict(shelf) == plain
    assert len(shelf) == len(plain)
    assert {*shelf} == {*plain}
    assert all(shelf.get(name) == value and name in shelf for name, value in plain.items())
    assert shelf.get("nobody is called so") is None
    assert dict(Shelf(plain)) == plain
