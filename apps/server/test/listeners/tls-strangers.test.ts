/** Certificates that clients have made themselves: everything in them is as long as they like. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Authority, type Identity, TestClient } from '@millrace/testkit';
import { afterAll, expect, test } from 'vitest';
import type { PeerCertificate } from '../../src/contract/client-info.js';
import type { ServerOptions } from '../../src/index.js';
import { TlsTable } from '../../src/shared/tls-table.js';
import { startServer } from '../support.js';

const directory = mkdtempSync(join(tmpdir(), 'millrace-strangers-'));
const authority = new Authority();
afterAll(() => {
  authority[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

/** Signed by itself, with a serial number of so many bytes. */
function stranger(serialBytes: number): Identity {
  const command =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout own.key -out own.pem';
  const rest = ['-subj', '/CN=stranger', '-set_serial', `0x${'5a'.repeat(serialBytes)}`];
  execFileSync('openssl', [...command.split(' '), ...rest], { cwd: directory, stdio: 'pipe' });
  const read = (name: string) => readFileSync(join(directory, name), 'utf8');
  return { key: read('own.key'), cert: read('own.pem') };
}

test('a client certificate with a serial number that is too long to be kept costs that number, and no server', async () => {
  const { key, cert } = authority.issue('localhost');
  writeFileSync(join(directory, 'server.key'), key);
  writeFileSync(join(directory, 'server.pem'), cert);
  const files = { key: join(directory, 'server.key'), cert: join(directory, 'server.pem') };
  const tls = { ...files, requestCert: true, rejectUnauthorized: false };
  await using server = await startServer({ tls } as Partial<ServerOptions>, {}, 'tls');
  const trusting = { ca: authority.cert, servername: 'localhost' };
  const client = await TestClient.connectTls(server.lines, { ...trusting, ...stranger(600) });
  const { authorized, servername, peerCertificate } = JSON.parse(await client.ask('look'));
  expect({ authorized, servername }).toEqual({ authorized: false, servername: 'localhost' });
  expect(peerCertificate).toEqual({
    fingerprint256: expect.stringMatching(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/),
  });
  const next = await TestClient.connectTls(server.lines, { ...trusting, ...stranger(20) });
  expect(JSON.parse(await next.ask('look')).peerCertificate.serialNumber).toBe('5A'.repeat(20));
  for (const one of [client, next]) one.close();
});

const long = 'x'.repeat(2_000);
const certificate = { subject: 'CN=it', fingerprint256: 'AB:CD', serialNumber: '01', validTo: 'soon' };
const { subject, ...unnamed } = certificate;

test.each<[string, Partial<PeerCertificate>, Partial<PeerCertificate>]>([
  ['subject', { subject: long }, unnamed],
  ['serial number', { serialNumber: long }, { fingerprint256: 'AB:CD' }],
  ['end', { validTo: long }, { fingerprint256: 'AB:CD' }],
])('a certificate whose %s is too long to be kept is known by its fingerprint', (_, change, kept) => {
  const table = new TlsTable(new ArrayBuffer(TlsTable.bytes(1)), 1);
  const names = { servername: 'a.example', alpnProtocol: 'lines/1' };
  const info = { protocol: 'TLSv1.3', cipher: 'any', authorized: false };
  const of = (more: object) => {
    const cell = table.write(0, 1, { ...info, ...more, peerCertificate: { ...certificate, ...change } });
    const read = table.read(cell, 1);
    table.release(cell);
    return read;
  };
  expect(of(names)).toEqual({ ...info, ...names, peerCertificate: kept });
  const { alpnProtocol } = names;
  expect(of({ ...names, servername: long })).toMatchObject({ ...info, peerCertificate: kept });
  expect(of({ servername: long, alpnProtocol: long })).toEqual({ ...info, peerCertificate: kept });
  expect(of({ servername: long, alpnProtocol })).not.toHaveProperty('servername');
});
