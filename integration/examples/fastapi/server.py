"""A resource server in FastAPI: GET /protected for any valid token of the
audience, GET /admin for those with the role admin.

Settings: ISSUER, AUDIENCE, ADDR.
"""

import os
import signal
import sys
from typing import Annotated

import uvicorn
from fastapi import Depends, FastAPI

from signet import Signet

ISSUER = os.environ.get("ISSUER", "http://localhost:8080")
AUDIENCE = os.environ.get("AUDIENCE", ISSUER)
ADDR = os.environ.get("ADDR", "127.0.0.1:3005")

signet = Signet(ISSUER, AUDIENCE)
app = FastAPI(title="A resource server of Signet's")

Claims = Annotated[dict, Depends(signet.claims)]
AdminClaims = Annotated[dict, Depends(signet.role("admin"))]


@app.get("/protected")
def protected(claims: Claims):
    return {"subject": claims["sub"], "roles": claims.get("roles", [])}


@app.get("/admin")
def admin(claims: AdminClaims):
    return {"subject": claims["sub"], "roles": claims.get("roles", [])}


if __name__ == "__main__":
    # uvicorn ends its requests and raises the signal again: that is a clean end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    host, _, port = ADDR.rpartition(":")
    uvicorn.run(app, host=host, port=int(port), log_level="warning")
