import { createHash } from 'node:crypto';
import { until } from '@millrace/testkit';
import { Wire } from '../wire/wire.js';
import { pattern } from './http-streams.js';
import type { Kind } from './kind.js';

/** What a server of bytes must do as before. */
export const NET: readonly Kind[] = [
  {
    says: 'sends back from 1 B to 20 MB',
    run: async (site) => {
      using wire = await Wire.connect(site);
      const hash = createHash('sha256');
      let sent = 0;
      for (const size of [1, 1024, 65_536, 1 << 20, 20 << 20]) {
        const bytes = pattern(size);
        sent += size;
        hash.update(bytes);
        await wire.send(bytes);
        await until(`${sent} bytes back`, () => wire.length === sent);
      }
      return { sent, same: createHash('sha256').update(wire.received).digest('hex') === hash.digest('hex') };
    },
    shows: /"same":true/,
  },
  {
    says: 'goes on sending to a client that has ended its side, and ends then',
    run: async (site) => {
      const printed = site.served.listen();
      using wire = await Wire.connect(site);
      const { localPort } = wire.socket;
      wire.socket.pause();
      wire.socket.write(pattern(5 << 20));
      wire.finish();
      wire.socket.resume();
      const end = await wire.over();
      const line = (await printed(new RegExp(`closed ${localPort} after .*`)))[0];
      return { end, bytes: wire.length, line: line.replace(`${localPort}`, '(port)') };
    },
    shows: /"end":"end","bytes":5242880/,
  },
  {
    says: 'knows the address of its client',
    run: async (site) => {
      const printed = site.served.listen();
      using wire = await Wire.connect(site);
      const line = (await printed(new RegExp(`connected .* ${wire.socket.localPort} .*`)))[0];
      return line.replace(`${wire.socket.localPort}`, '(port)');
    },
    shows: /connected 127.0.0.1 \(port\) IPv4/,
  },
  {
    says: 'sees a reset as an error',
    run: async (site) => {
      const printed = site.served.listen();
      using wire = await Wire.connect(site);
      const { localPort } = wire.socket;
      await wire.send('one');
      await until('an echo', () => wire.length === 3);
      wire.reset();
      const lines = (await printed(new RegExp(`closed ${localPort} after .*`)))[0];
      return [lines.replace(`${localPort}`, '(port)'), (await printed(/error \w+/))[0]];
    },
    shows: /error ECONNRESET/,
  },
  {
    says: 'holds 200 connections at once',
    run: async (site) => {
      const wires = await Promise.all(Array.from({ length: 200 }, () => Wire.connect(site)));
      try {
        await Promise.all(wires.map((wire, at) => wire.send(`wire ${at}`)));
        await until('every echo', () => wires.every((wire, at) => wire.length === `wire ${at}`.length));
        return wires.map((wire) => wire.received.toString());
      } finally {
        for (const wire of wires) wire[Symbol.dispose]();
      }
    },
    shows: /wire 199/,
  },
];
