"""WhatsMiner with API v2 ("btminer"): MicroBT's own firmware up to November 2024, TCP port 4028."""
