// Checking Signet's access tokens in Express: two middlewares over jose.
//
//   const signet = await connect({ issuer, audience });
//   app.get('/admin', signet.authenticate, requireRole('admin'), handler);
//
// Tokens are checked offline, by the issuer's published keys. This example
// doesn't read the status list: a logged-out session's token goes on here until
// it expires (15 minutes at most). Signet's Go verifier refuses it in seconds.

import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

// What a resource server has to insist on (RFC 9068 §4). Algorithms are never
// taken from the token; typ keeps an ID token from passing for an access token.
const ALGORITHMS = ['ES256', 'RS256'];
const TYPE = 'at+jwt';
const LEEWAY_SECONDS = 10;

// connect finds the issuer's keys by its discovery document.
export async function connect({ issuer, audience }) {
  if (!issuer || !audience) {
    throw new Error('issuer and audience must be given: a token for somebody else is no token');
  }
  const keys = createRemoteJWKSet(new URL(await findKeys(issuer)), { timeoutDuration: 5000 });

  async function verify(token) {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: ALGORITHMS,
      typ: TYPE,
      requiredClaims: ['sub', 'exp', 'iat', 'jti', 'client_id'],
      clockTolerance: LEEWAY_SECONDS,
    });
    // A token bound to a key is no bearer token (RFC 9449 §7.1).
    if (payload.cnf !== undefined) {
      throw new errors.JWTClaimValidationFailed('bound to a key', payload, 'cnf', 'check_failed');
    }
    return payload;
  }

  async function authenticate(req, res, next) {
    const token = bearer(req);
    if (!token) return challenge(res, 401); // no credentials, no error code (RFC 6750 §3.1)
    try {
      req.token = await verify(token);
    } catch (err) {
      return refuse(res, err);
    }
    next();
  }

  return { verify, authenticate };
}

// requireRole lets through who has the role; it stands after authenticate.
export function requireRole(role) {
  return (req, res, next) => {
    if (Array.isArray(req.token?.roles) && req.token.roles.includes(role)) return next();
    challenge(res, 403, 'insufficient_scope', 'the token lacks the role this needs');
  };
}

async function findKeys(issuer) {
  const res = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    signal: AbortSignal.timeout(5000),
    redirect: 'error',
  });
  if (!res.ok) throw new Error(`discovery of ${issuer}: ${res.status}`);
  const metadata = await res.json();
  // OpenID Connect Discovery 1.0 §4.3: the document must speak for this issuer.
  if (metadata.issuer !== issuer) throw new Error(`discovery of ${issuer} speaks for ${metadata.issuer}`);
  return metadata.jwks_uri;
}

// bearer reads the header of RFC 6750 §2.1; the scheme's case doesn't matter.
function bearer(req) {
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(req.get('authorization') ?? '')?.[1];
}

function refuse(res, err) {
  // Not having the keys says nothing about the token: the caller may retry.
  if (!(err instanceof errors.JOSEError) || err instanceof errors.JWKSTimeout || err.code === 'ERR_JOSE_GENERIC') {
    return res.status(503).set('Retry-After', '5').json({ error: 'temporarily_unavailable' });
  }
  challenge(res, 401, 'invalid_token', 'the access token is not valid here');
}

// challenge answers as RFC 6750 §3 wants.
function challenge(res, status, error, description) {
  const params = error ? ` error="${error}", error_description="${description}"` : '';
  res.status(status).set('WWW-Authenticate', `Bearer${params}`).set('Cache-Control', 'no-store');
  res.json({ error: error ?? 'invalid_token', error_description: description ?? 'a bearer token is needed' });
}
