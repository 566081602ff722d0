"""A WhatsMiner of before November 2024: everything on port 4028, writes under a token and enciphered."""
