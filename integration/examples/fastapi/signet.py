"""Checking Signet's access tokens in FastAPI: two dependencies over PyJWT.

    signet = Signet(issuer, audience)

    @app.get("/admin")
    def admin(claims: Annotated[dict, Depends(signet.role("admin"))]): ...

Tokens are checked offline, by the issuer's published keys. This example doesn't
read the status list: a logged-out session's token goes on here until it expires
(15 minutes at most). Signet's Go verifier refuses it in seconds.
"""

import json
import urllib.request
from typing import Annotated

import jwt
from fastapi import Depends, HTTPException, Request

# What a resource server has to insist on (RFC 9068 §4). Algorithms are never
# taken from the token; typ keeps an ID token from passing for an access token.
ALGORITHMS = ["ES256", "RS256"]
TYPES = ("at+jwt", "application/at+jwt")
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id"]
LEEWAY_SECONDS = 10
TIMEOUT_SECONDS = 5


class Signet:
    """The issuer, as a resource server sees it."""

    def __init__(self, issuer: str, audience: str):
        if not issuer or not audience:
            raise ValueError("issuer and audience must be given: a token for somebody else is no token")
        self.issuer, self.audience = issuer, audience
        self.keys = jwt.PyJWKClient(find_keys(issuer), timeout=TIMEOUT_SECONDS)

    def verify(self, token: str) -> dict:
        """Return the claims of a good token, or raise jwt.PyJWTError."""
        checked = jwt.decode_complete(
            token,
            self.keys.get_signing_key_from_jwt(token),
            algorithms=ALGORITHMS,
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_SECONDS,
            options={"require": REQUIRED},
        )
        if str(checked["header"].get("typ", "")).lower() not in TYPES:
            raise jwt.InvalidTokenError("not an access token")
        # A token bound to a key is no bearer token (RFC 9449 §7.1).
        if "cnf" in checked["payload"]:
            raise jwt.InvalidTokenError("bound to a key")
        return checked["payload"]

    # Not a coroutine: PyJWKClient may wait for the issuer, and FastAPI runs plain
    # functions in a thread.
    def claims(self, request: Request) -> dict:
        """The dependency of a route that wants any good token."""
        token = bearer(request)
        if token is None:
            raise challenge(401)  # no credentials, no error code (RFC 6750 §3.1)
        try:
            return self.verify(token)
        except jwt.PyJWKClientConnectionError:
            # Not having the keys says nothing about the token: the caller may retry.
            raise HTTPException(503, headers={"Retry-After": "5"}) from None
        except jwt.PyJWTError:
            raise challenge(401, "invalid_token", "the access token is not valid here") from None

    def role(self, role: str):
        """The dependency of a route that wants a role."""

        def claims(claims: Annotated[dict, Depends(self.claims)]) -> dict:
            roles = claims.get("roles")
            if not isinstance(roles, list) or role not in roles:
                raise challenge(403, "insufficient_scope", "the token lacks the role this needs")
            return claims

        return claims


def find_keys(issuer: str) -> str:
    """Return the address of the issuer's keys, by its discovery document."""
    address = issuer.rstrip("/") + "/.well-known/openid-configuration"
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as response:
        metadata = json.load(response)
    # OpenID Connect Discovery 1.0 §4.3: the document must speak for this issuer.
    if metadata.get("issuer") != issuer:
        raise ValueError(f"discovery of {issuer} speaks for {metadata.get('issuer')}")
    return metadata["jwks_uri"]


def bearer(request: Request) -> str | None:
    """Read the header of RFC 6750 §2.1; the scheme's case doesn't matter."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def challenge(status: int, error: str = "", description: str = "") -> HTTPException:
    """Answer as RFC 6750 §3 wants."""
    params = f' error="{error}", error_description="{description}"' if error else ""
    return HTTPException(
        status,
        detail=description or "a bearer token is needed",
        headers={"WWW-Authenticate": f"Bearer{params}", "Cache-Control": "no-store"},
    )
