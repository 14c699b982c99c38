import { until } from '@millrace/testkit';
import { generate, type Packet, parser } from 'mqtt-packet';
import { shownBody } from '../wire/exchange.js';
import { Wire } from '../wire/wire.js';
import type { Kind, Site } from './kind.js';

const PROTOCOL = 4;
/** Of the messages that are published here; those of a broker are its own. */
const MESSAGE_ID = 7;

/** What an MQTT client sees, packet by packet. */
export const MQTT: readonly Kind[] = [
  {
    says: 'delivers messages from 0 B to 100 KB, at most once and at least once',
    run: (site) =>
      withClient(site, async ({ send, next, publish }) => {
        const seen: unknown[] = [];
        send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'kitchen/#', qos: 2 }] });
        seen.push(await next('suback'));
        for (const size of [0, 1, 1000, 100_000]) {
          publish('kitchen/size', 'm'.repeat(size), 0);
          seen.push(await next('publish'));
        }
        publish('kitchen/one', 'at least once', 1);
        const both = [await next('publish', 'puback'), await next('publish', 'puback')];
        seen.push(both.sort(({ cmd }, other) => cmd.localeCompare(other.cmd)));
        send({ cmd: 'pingreq' });
        seen.push(await next('pingresp'));
        send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['kitchen/#'] });
        seen.push(await next('unsuback'));
        return seen;
      }),
    shows: /at least once/,
  },
  {
    says: 'delivers exactly once',
    run: (site) =>
      withClient(site, async ({ send, next, publish }) => {
        send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'once', qos: 0 }] });
        await next('suback');
        publish('once', 'exactly', 2);
        const seen: string[] = [];
        // The message goes out before or after the broker has taken over its delivery.
        while (seen.length < 3) {
          const { cmd } = await next('pubrec', 'publish', 'pubcomp');
          if (cmd === 'pubrec') send({ cmd: 'pubrel', messageId: MESSAGE_ID });
          seen.push(cmd);
        }
        return seen.sort();
      }),
    shows: /pubcomp.*publish.*pubrec/,
  },
  {
    says: 'notices that a client has gone, with a word and without',
    run: async (site) => {
      const printed = site.served.listen();
      await withClient(
        site,
        async ({ send, wire }) => {
          send({ cmd: 'disconnect' });
          await wire.over();
        },
        'polite',
      );
      const first = (await printed(/gone polite/))[0];
      const again = site.served.listen();
      await withClient(site, async ({ wire }) => wire.reset(), 'torn off');
      return [first, (await again(/gone torn off/))[0]];
    },
    shows: /gone.*gone/,
  },
  {
    says: 'ends a connection that does not speak MQTT',
    run: async (site) => {
      using wire = await Wire.connect(site);
      await wire.send('GET / HTTP/1.1\r\n\r\n');
      return { end: await wire.over(), received: wire.received.toString('hex') };
    },
    shows: /"end":"/,
  },
];

interface Client {
  readonly wire: Wire;
  readonly send: (packet: Packet) => void;
  readonly publish: (topic: string, payload: string, qos: 0 | 1 | 2) => void;
  /** Waits for the next packet, of one of these commands. */
  readonly next: (...commands: string[]) => Promise<Packet>;
}

async function withClient<T>(
  site: Site,
  use: (client: Client) => Promise<T>,
  clientId = 'the-client',
): Promise<T> {
  using wire = await Wire.connect(site);
  const packets: Packet[] = [];
  const reader = parser({ protocolVersion: PROTOCOL });
  reader.on('packet', (packet: Packet) => packets.push(packet));
  wire.socket.on('data', (chunk: Buffer) => reader.parse(chunk));
  const options = { protocolVersion: PROTOCOL };
  const next = async (...commands: string[]) => {
    const packet = await until(commands.join(' or '), () => packets.shift());
    if (!commands.includes(packet.cmd))
      throw new Error(`${packet.cmd} came instead of ${commands.join(' or ')}`);
    if (packet.cmd !== 'publish') return packet;
    const { messageId: _own, payload, ...rest } = packet;
    return { ...rest, payload: shownBody(Buffer.from(payload)) } as Packet;
  };
  const publish: Client['publish'] = (topic, payload, qos) => {
    const id = qos === 0 ? {} : { messageId: MESSAGE_ID };
    send({ cmd: 'publish', topic, payload, qos, dup: false, retain: false, ...id });
  };
  const send = (packet: Packet) => void wire.socket.write(generate(packet, options));
  send({
    cmd: 'connect',
    clientId,
    protocolId: 'MQTT',
    protocolVersion: PROTOCOL,
    clean: true,
    keepalive: 60,
  });
  await next('connack');
  return await use({ wire, send, next, publish });
}
