"""How alerts reach people: when, over which channel, and not lost on the way."""
