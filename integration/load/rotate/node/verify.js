// jose's createRemoteJWKSet as a verifier of the rotation test, with jose's own
// defaults: a token a line comes in, a verdict in JSON a line goes out.
//
//   node verify.js JWKS_URI ISSUER AUDIENCE
//
// A verdict is {"ok":true}, or {"ok":false,"error":…}, with "unavailable":true
// where the keys couldn't be had, which says nothing of the token.

import { createInterface } from 'node:readline';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const [uri, issuer, audience] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(uri));
const options = {
  issuer,
  audience,
  typ: 'at+jwt',
  algorithms: ['ES256', 'RS256', 'ES384', 'PS256', 'EdDSA'],
  clockTolerance: 10,
};

// A network failure is no JOSEError, and an answer that isn't 200 a generic one.
function unavailable(err) {
  return !(err instanceof errors.JOSEError) || err instanceof errors.JWKSTimeout || err.code === 'ERR_JOSE_GENERIC';
}

for await (const token of createInterface({ input: process.stdin })) {
  let verdict = { ok: true };
  try {
    await jwtVerify(token, keys, options);
  } catch (err) {
    verdict = { ok: false, error: `${err.code ?? err.name}: ${err.message}`, unavailable: unavailable(err) };
  }
  process.stdout.write(JSON.stringify(verdict) + '\n');
}
