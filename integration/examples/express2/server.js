// A resource server with express-oauth2-jwt-bearer: GET /protected for any valid
// token of the audience, GET /admin for those with the role admin.
// Settings: ISSUER, AUDIENCE, ADDR.
//
// Tokens are checked offline, by the issuer's published keys. A logged-out
// session's token goes on here until it expires: this library reads no status
// list.

import express from 'express';
import { auth, claimIncludes, InsufficientScopeError } from 'express-oauth2-jwt-bearer';

const { ISSUER = 'http://localhost:8080', AUDIENCE = ISSUER, ADDR = '127.0.0.1:3004' } = process.env;

const app = express();
app.disable('x-powered-by');

app.use(
  auth({
    issuerBaseURL: ISSUER,
    audience: AUDIENCE,
    strict: true, // typ at+jwt and the claims of RFC 9068: an ID token is no access token
    clockTolerance: 10,
    validators: {
      cnf: (cnf) => cnf === undefined, // bound to a key: no bearer token (RFC 9449 §7.1)
    },
  }),
);

app.get('/protected', whoami);
app.get('/admin', requireRole('admin'), whoami);

// The library's errors know their status and challenge; their text is for clients.
app.use((err, req, res, next) => {
  const status = err.status ?? 500;
  res.status(status).set(err.headers ?? {}).set('Cache-Control', 'no-store');
  res.json({ error: err.code ?? (status === 401 ? 'invalid_token' : 'server_error') });
});

const colon = ADDR.lastIndexOf(':');
const server = app.listen(Number(ADDR.slice(colon + 1)), ADDR.slice(0, colon), () => {
  console.log(`listening on http://${ADDR}`);
});

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}

function whoami(req, res) {
  const { sub, roles } = req.auth.payload;
  res.json({ subject: sub, roles });
}

// requireRole is claimIncludes with the status that fits: the token is good, and
// doesn't allow this (RFC 6750 §3.1).
function requireRole(role) {
  const check = claimIncludes('roles', role);
  return (req, res, next) => check(req, res, (err) => next(err && new InsufficientScopeError(undefined, 'the token lacks the role this needs')));
}
