"""The cloud of NiceHash, with one rig in it."""
