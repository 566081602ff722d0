"""WhatsMiner with API v3: MicroBT's own firmware of November 2024 and later, TCP port 4433."""
