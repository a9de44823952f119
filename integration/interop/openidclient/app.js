// A client app that logs people in with Signet, by openid-client. Its routes are
// those of ../goclient. Settings: ISSUER, CLIENT_ID, CLIENT_SECRET (empty: a
// public client), SCOPE, ADDR, BASE (where a browser finds it), and OPTIONS, any of
//   par       the authorization request is pushed first (RFC 9126)
//   dpop      tokens are bound to a key of this process (RFC 9449)
//   unhinted  it doesn't say who shall be logged out, so that Signet asks
//   register  it registers itself, and proves who it is by a key (RFC 7591, private_key_jwt)

import { createServer } from 'node:http';
import * as oidc from 'openid-client';

const { ISSUER, CLIENT_ID, CLIENT_SECRET, SCOPE, ADDR, BASE } = process.env;
const options = new Set((process.env.OPTIONS ?? '').split(' ').filter(Boolean));
const insecure = { execute: [oidc.allowInsecureRequests] }; // the tests' Signet is on the loopback, without TLS

const config = await (options.has('register') ? register() : discover());
const DPoP = options.has('dpop') ? oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) : undefined;

const logins = new Map(); // under way, by state
let now = {}; // what the page shows
let tokens; // of the last login; a logout leaves them for "again"

function discover() {
  const authentication = CLIENT_SECRET ? oidc.ClientSecretBasic(CLIENT_SECRET) : oidc.None();
  return oidc.discovery(new URL(ISSUER), CLIENT_ID, {}, authentication, insecure);
}

async function register() {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const pair = await crypto.subtle.generateKey(algorithm, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
  return oidc.dynamicClientRegistration(
    new URL(ISSUER),
    {
      client_name: 'An app that registered itself',
      redirect_uris: [`${BASE}/callback`],
      post_logout_redirect_uris: [`${BASE}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      scope: SCOPE,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [{ kty, crv, x, y, kid: 'own', use: 'sig', alg: 'ES256' }] },
    },
    oidc.PrivateKeyJwt({ key: pair.privateKey, kid: 'own' }),
    { ...insecure, initialAccessToken: process.env.INITIAL_ACCESS_TOKEN || undefined },
  );
}

async function login(url) {
  const login = { nonce: oidc.randomNonce(), verifier: oidc.randomPKCECodeVerifier() };
  const state = oidc.randomState();
  logins.set(state, login);
  const parameters = {
    redirect_uri: `${BASE}/callback`,
    scope: SCOPE,
    state,
    nonce: login.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(login.verifier),
    code_challenge_method: 'S256',
    ...Object.fromEntries(url.searchParams),
  };
  if (options.has('par')) return oidc.buildAuthorizationUrlWithPAR(config, parameters, { DPoP });
  return oidc.buildAuthorizationUrl(config, parameters);
}

// answer is a URL, or a request where response_mode is form_post.
async function callback(url, answer) {
  const state = answer === url ? url.searchParams.get('state') : new URLSearchParams(await answer.clone().text()).get('state');
  const login = logins.get(state);
  logins.delete(state);
  if (!login) throw new Error('unknown state');
  tokens = await oidc.authorizationCodeGrant(
    config,
    answer,
    { pkceCodeVerifier: login.verifier, expectedState: state, expectedNonce: login.nonce, idTokenExpected: true },
    undefined,
    { DPoP },
  );
  const { sub, sid, amr, auth_time } = tokens.claims();
  const { email } = await oidc.fetchUserInfo(config, tokens.access_token, sub, { DPoP });
  now = { sub, sid, amr, auth_time, email, access_token: tokens.access_token };
}

async function refresh() {
  if (!tokens?.refresh_token) throw new Error('no refresh token');
  const next = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  tokens = { ...next, id_token: next.id_token ?? tokens.id_token, refresh_token: next.refresh_token ?? tokens.refresh_token };
  now.access_token = tokens.access_token;
}

function logout() {
  now = {};
  return oidc.buildEndSessionUrl(config, {
    ...(options.has('unhinted') ? {} : { id_token_hint: tokens.id_token }),
    post_logout_redirect_uri: `${BASE}/`,
    state: 'bye',
  });
}

const escape = (s) => s.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const routes = {
  'GET /login': (request, url) => login(url),
  'GET /callback': (request, url) => callback(url, url),
  'POST /callback': async (request, url) =>
    callback(url, new Request(url, { method: 'POST', headers: request.headers, body: await body(request) })),
  'GET /refresh': refresh,
  'GET /again': refresh,
  'GET /logout': logout,
};

const server = createServer(async (request, response) => {
  const url = new URL(request.url, BASE);
  if (url.pathname === '/') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(`<!doctype html><title>openid-client</title><pre id="state">${escape(JSON.stringify(now))}</pre>`);
    return;
  }
  const route = routes[`${request.method} ${url.pathname}`];
  if (!route) {
    response.writeHead(404).end();
    return;
  }
  let next;
  try {
    delete now.error;
    next = await route(request, url);
  } catch (error) {
    console.error(error);
    now.error = error.error ?? error.message;
  }
  response.writeHead(303, { Location: String(next ?? '/') });
  response.end();
});

const colon = ADDR.lastIndexOf(':');
server.listen(Number(ADDR.slice(colon + 1)), ADDR.slice(0, colon));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    server.close();
    server.closeAllConnections();
  });
}
