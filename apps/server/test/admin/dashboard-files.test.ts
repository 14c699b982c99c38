import { request } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { AdminServer, ask, type Got } from './admin-client.js';

const TOKEN = 'a-token-of-24-characters';
const FILES = ['/', '/dashboard/app.js', '/dashboard/app.css', '/dashboard/icon.svg'];

const withToken = () =>
  AdminServer.started({ admin: { name: 'test', port: 0 } }, { MILLRACE_ADMIN_TOKEN: TOKEN });

/** Where the server tells that it is served over TCP. */
async function addressOf(server: AdminServer): Promise<{ host: string; port: number }> {
  return (await server.get('/v1/status')).body.adminAddress;
}

/** The directives of a policy, by their names. */
function policyOf({ headers }: Got): Record<string, string> {
  const text = String(headers['content-security-policy']);
  return Object.fromEntries(
    text.split('; ').map((each) => [each.split(' ')[0], each.split(' ').slice(1).join(' ')]),
  );
}

describe('the files of the dashboard', () => {
  test('are served without a token, and nothing else is', async () => {
    await using server = await withToken();
    const address = await addressOf(server);
    for (const path of FILES) expect([path, (await ask(address, path)).status]).toEqual([path, 200]);
    for (const path of [
      '/v1/history',
      '/v1/processes/worker:0/history',
      '/dashboard/',
      '/dashboard/../status',
      '/index.html',
    ])
      expect([path, (await ask(address, path)).status]).toEqual([path, 401]);
  });

  test('allow a browser the scripts, styles and requests of this server alone, and no frame around them', async () => {
    await using server = await withToken();
    const address = await addressOf(server);
    for (const path of FILES) {
      const got = await ask(address, path);
      expect(policyOf(got)).toMatchObject({
        'default-src': "'none'",
        'script-src': "'self'",
        'style-src': "'self'",
        'connect-src': "'self'",
        'frame-ancestors': "'none'",
        'form-action': "'none'",
        'base-uri': "'none'",
      });
      expect(got.headers['content-security-policy']).not.toContain('unsafe');
    }
    // What is no page may not become one, whatever is in it.
    for (const path of [...FILES, '/v1/status', '/v1/nothing', '/health/live', '/metrics']) {
      const got = await ask(address, path);
      expect(policyOf(got)).toMatchObject({ 'default-src': "'none'", 'frame-ancestors': "'none'" });
      expect(got.headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
        'referrer-policy': 'no-referrer',
      });
    }
  });

  test('are sent compressed where a browser takes that, and not again while they are the same', async () => {
    await using server = await AdminServer.started();
    const path = '/dashboard/app.css';
    const plain = await ask({ socketPath: server.socketPath }, path);
    const tag = String(plain.headers.etag);
    expect(plain.headers['content-encoding']).toBeUndefined();
    const packed = await bytesOf(server.socketPath, path, { 'accept-encoding': 'br, gzip' });
    expect(gunzipSync(packed).toString()).toBe(plain.text);
    const again = await ask({ socketPath: server.socketPath }, path, { headers: { 'if-none-match': tag } });
    expect([again.status, again.text]).toEqual([304, '']);
  });
});

describe('a page of another site, in the browser of who may ask', () => {
  test('gets nothing of the socket that takes no token, by its origin or by a name that resolves to this machine', async () => {
    await using server = await AdminServer.started();
    const { socketPath } = server;
    for (const [headers, status] of [
      [{ host: 'localhost:9600' }, 200],
      [{ host: '127.0.0.1:9600' }, 200],
      [{ host: '[::1]:9600' }, 200],
      [{ host: 'server' }, 200],
      [{ host: 'app.localhost:9600' }, 200],
      [{ host: 'evil.example:9600' }, 403],
      [{ host: '127.0.0.1.evil.example' }, 403],
      [{ host: 'localhost:9600', origin: 'http://localhost:9600' }, 200],
      [{ host: 'localhost:9600', origin: 'http://localhost:3000' }, 403],
      [{ host: 'localhost:9600', origin: 'https://evil.example' }, 403],
      [{ host: 'localhost:9600', origin: 'null' }, 403],
    ] as const)
      expect([headers, (await ask({ socketPath }, '/v1/status', { headers })).status]).toEqual([
        headers,
        status,
      ]);
    const { status, body } = await ask({ socketPath }, '/v1/processes/worker:0/kill', {
      method: 'POST',
      headers: { host: 'localhost:9600', origin: 'https://evil.example', 'content-type': 'text/plain' },
    });
    expect([status, body.error.code]).toEqual([403, 'ORIGIN']);
    expect((await server.process('worker:0')).restarts).toBe(0);
  });

  test('has no token, which is all that counts over TCP: a proxy may name the server as it likes', async () => {
    await using server = await withToken();
    const address = await addressOf(server);
    const headers = { host: 'admin.example', origin: 'https://admin.example' };
    expect((await ask(address, '/v1/status', { headers })).status).toBe(401);
    const shown = { ...headers, authorization: `Bearer ${TOKEN}` };
    expect((await ask(address, '/v1/status', { headers: shown })).status).toBe(200);
    expect((await ask(address, '/v1/status', { method: 'OPTIONS', headers })).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
  });
});

function bytesOf(socketPath: string, path: string, headers: Record<string, string>): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    request({ socketPath, path, headers, agent: false }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response as AsyncIterable<Buffer>) pieces.push(piece);
      resolve(Buffer.concat(pieces));
    })
      .on('error', reject)
      .end();
  });
}
