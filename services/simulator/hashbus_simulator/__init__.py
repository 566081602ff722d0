"""Pretends to be the hardware of a site, over the real protocols on real sockets."""
