"""A client app that logs people in with Signet, by Authlib's Starlette client.

Its routes are those of ../goclient. Settings: ISSUER, CLIENT_ID, CLIENT_SECRET,
SCOPE, ADDR, BASE (where a browser finds it).
"""

import html
import json
import os
import secrets
import signal
import sys

import uvicorn
from authlib.integrations.starlette_client import OAuth, OAuthError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

BASE = os.environ["BASE"]

oauth = OAuth()
signet = oauth.register(
    "signet",
    client_id=os.environ["CLIENT_ID"],
    client_secret=os.environ["CLIENT_SECRET"],
    server_metadata_url=os.environ["ISSUER"] + "/.well-known/openid-configuration",
    client_kwargs={
        "scope": os.environ["SCOPE"],
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "client_secret_post",
    },
)

now = {}  # what the page shows
token = {}  # of the last login; a logout leaves it for "again"


async def show(request):
    if "state" in request.query_params:  # back from the logout
        await signet.validate_logout_response(request)
    state = html.escape(json.dumps(now), quote=False)
    return HTMLResponse(f'<!doctype html><title>authlib</title><pre id="state">{state}</pre>')


def page(do):
    """Makes a page that does something and goes to the one that shows how it went."""

    async def serve(request):
        now.pop("error", None)
        try:
            await do(request)
        except OAuthError as error:
            now["error"] = error.error
        return RedirectResponse("/", status_code=303)

    return serve


async def login(request):
    return await signet.authorize_redirect(request, BASE + "/callback", **request.query_params)


async def callback(request):
    fresh = await signet.authorize_access_token(request)  # checks state, ID token and nonce
    claims = fresh["userinfo"]
    person = await signet.userinfo(token=fresh)
    if person["sub"] != claims["sub"]:
        raise OAuthError("userinfo is of another person")
    token.clear()
    token.update(fresh)
    now.update({name: claims.get(name) for name in ("sub", "sid", "amr", "auth_time")})
    now.update(email=person["email"], access_token=fresh["access_token"])


async def refresh(request):
    if "refresh_token" not in token:
        raise OAuthError("no refresh token")
    fresh = await signet.fetch_access_token(grant_type="refresh_token", refresh_token=token["refresh_token"])
    token.update(fresh)
    now["access_token"] = fresh["access_token"]


async def logout(request):
    now.clear()
    return await signet.logout_redirect(request, BASE + "/", id_token_hint=token["id_token"])


app = Starlette(
    routes=[
        Route("/", show),
        Route("/login", login),
        Route("/callback", page(callback)),
        Route("/refresh", page(refresh)),
        Route("/again", page(refresh)),
        Route("/logout", logout),
    ],
    middleware=[Middleware(SessionMiddleware, secret_key=secrets.token_hex())],
)

if __name__ == "__main__":
    # uvicorn ends its requests and raises the signal again: that is a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, _, port = os.environ["ADDR"].rpartition(":")
    uvicorn.run(app, host=host, port=int(port), log_level="warning")
