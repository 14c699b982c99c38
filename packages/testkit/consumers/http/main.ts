import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type LeanConnection, type LeanLink, LeanServer } from '@millrace/http';
import { fetchListener } from '@millrace/http/fetch';

let sent = '';
const socket = new Duplex({
  read: () => {},
  write: (_chunk, _encoding, done) => done(),
}) as unknown as Socket;
const link: LeanLink = {
  socket,
  isClear: true,
  send: (data) => {
    sent += data.toString();
  },
  sendAnswer: (bytes, length) => {
    sent += bytes.toString('latin1', 0, length);
  },
  pause: () => {},
  resume: () => {},
  handOver: () => assert.fail('a well-formed request is left to node:http'),
};
const server = createServer((request, response) => response.end(`${request.url}\n`));
const connection = new LeanServer(server).accept(link) as LeanConnection;
connection.received(Buffer.from('GET /lean HTTP/1.1\r\nHost: a\r\n\r\n'));
assert.match(sent, /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n\/lean\n$/s);

const listener = fetchListener((request) => new Response(`${request.method}\n`));
assert.equal(listener.length, 2);
