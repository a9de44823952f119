"""PyJWT's PyJWKClient as a verifier of the rotation test, with its own defaults.

    python verify.py JWKS_URI ISSUER AUDIENCE

A token a line comes in, a verdict in JSON a line goes out: {"ok": true}, or
{"ok": false, "error": ...}, with "unavailable": true where the keys couldn't be
had, which says nothing of the token.
"""

import json
import sys

import jwt

ALGORITHMS = ["ES256", "RS256", "ES384", "PS256", "EdDSA"]


def verdict(client, token, issuer, audience):
    try:
        key = client.get_signing_key_from_jwt(token)
        jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            issuer=issuer,
            audience=audience,
            leeway=10,
            options={"require": ["exp", "iat", "sub"]},
        )
    except jwt.PyJWKClientConnectionError as err:
        return {"ok": False, "error": repr(err), "unavailable": True}
    except jwt.PyJWTError as err:
        return {"ok": False, "error": repr(err)}
    return {"ok": True}


def main():
    uri, issuer, audience = sys.argv[1:]
    client = jwt.PyJWKClient(uri)
    for line in sys.stdin:
        print(json.dumps(verdict(client, line.strip(), issuer, audience)), flush=True)


if __name__ == "__main__":
    main()
