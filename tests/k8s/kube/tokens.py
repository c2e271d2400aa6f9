"""Bearer tokens of the issuer that the chart's values for tests trust (helm/penstock/ci)."""

import base64
import hashlib
import hmac
import json
import time

# Public, as in those values.
SECRET = base64.b64decode("cGVuc3RvY2stZGV2ZWxvcG1lbnQtand0LXNlY3JldC0x")


def part(value):
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def token(user, scopes=(), lifetime_s=7200):
    """For a user without limits of a tier."""
    now = int(time.time())
    claims = {"iss": "penstock-test", "aud": "penstock", "sub": user, "tier": "unlimited",
              "scope": " ".join(scopes), "iat": now, "exp": now + lifetime_s}
    head = {"alg": "HS256", "typ": "JWT", "kid": "test"}
    signed = b".".join(part(json.dumps(each).encode()) for each in (head, claims))
    return (signed + b"." + part(hmac.new(SECRET, signed, hashlib.sha256).digest())).decode()
