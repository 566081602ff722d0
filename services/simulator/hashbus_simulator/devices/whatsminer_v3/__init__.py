"""WhatsMiner API v3 on port 4433, and what the same firmware answers on 4028 (PROTOCOLS.md 1 and 2.3)."""
