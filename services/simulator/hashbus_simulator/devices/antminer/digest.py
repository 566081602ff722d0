"""HTTP digest authentication as the Antminer's web server does it: MD5, qop=auth (RFC 7616, PROTOCOLS.md 3.6)."""

import hashlib
import hmac
import re

REALM = "antMiner Configuration"
NONCE_LIFETIME_S = 600
_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')


def challenge(secret: str, now_unix_s: int, *, stale: bool = False) -> str:
    """The `WWW-Authenticate` header; the nonce carries its time and a proof that it is ours."""
    ending = ", stale=true" if stale else ""
    return f'Digest realm="{REALM}", nonce="{_nonce(secret, now_unix_s)}", qop="auth"{ending}'


def is_authorized(authorization: str, method: str, *, user: str, password: str) -> bool:
    """Whether the `Authorization` header answers a challenge with the right password."""
    if not authorization.startswith("Digest "):
        return False
    given = {match[1]: match[2] or match[3] or "" for match in _PAIR.finditer(authorization)}
    if given.get("realm") != REALM or given.get("username") != user:
        return False
    ha1 = _md5(f"{user}:{REALM}:{password}")
    ha2 = _md5(f"{method}:{given.get('uri', '')}")
    middle = f"{given.get('nonce', '')}:{given.get('nc', '')}:{given.get('cnonce', '')}:{given.get('qop', '')}"
    return hmac.compare_digest(_md5(f"{ha1}:{middle}:{ha2}"), given.get("response", ""))


def nonce_is_fresh(authorization: str, secret: str, now_unix_s: int) -> bool:
    """Whether the nonce in the header is one of ours and young enough."""
    given = {match[1]: match[2] or match[3] or "" for match in _PAIR.finditer(authorization)}
    nonce = given.get("nonce", "")
    try:
        at_unix_s = int(nonce.partition(":")[0], 16)
    except ValueError:
        return False
    return nonce == _nonce(secret, at_unix_s) and 0 <= now_unix_s - at_unix_s <= NONCE_LIFETIME_S


def _nonce(secret: str, at_unix_s: int) -> str:
    return f"{at_unix_s:08x}:{_md5(f'{at_unix_s}:{secret}')}"


def _md5(text: str) -> str:
    """The protocol knows no other hash."""
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
