"""A rig that NiceHash manages, through its cloud."""
