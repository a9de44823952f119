// A resource server: GET /protected for any valid token of the audience,
// GET /admin for those with the role admin. Settings: ISSUER, AUDIENCE, ADDR.

import express from 'express';
import { connect, requireRole } from './signet.js';

const { ISSUER = 'http://localhost:8080', AUDIENCE = ISSUER, ADDR = '127.0.0.1:3000' } = process.env;

const signet = await connect({ issuer: ISSUER, audience: AUDIENCE });
const app = express();
app.disable('x-powered-by');

app.get('/protected', signet.authenticate, (req, res) => {
  res.json({ subject: req.token.sub, roles: req.token.roles });
});

app.get('/admin', signet.authenticate, requireRole('admin'), (req, res) => {
  res.json({ subject: req.token.sub, roles: req.token.roles });
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
