/**
 * Reads pages of an admin interface as a monitor does, over a connection that it keeps: node asker.js SOCKET PATH… A line on standard input says
 * after how many milliseconds it does so again; 0: it does not.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

const [socket = '', ...paths] = process.argv.slice(2);
const client = connect(socket).setEncoding('latin1');
await once(client, 'connect');
client.on('close', () => process.exit(1));

let turn: NodeJS.Timeout | undefined;
let wanted: string[] = [];
let answer = '';

client.on('data', (piece: string) => {
  answer += piece;
  const body = answer.indexOf('\r\n\r\n') + 4;
  const length = /^content-length: (\d+)/im.exec(answer)?.[1];
  if (body < 4 || length === undefined || answer.length < body + Number(length)) return;
  if (!answer.startsWith('HTTP/1.1 200 ')) throw new Error(`A page was answered: ${answer.slice(0, 100)}`);
  answer = '';
  next();
});

for await (const line of createInterface({ input: process.stdin })) {
  clearInterval(turn);
  if (Number(line) > 0) turn = setInterval(begin, Number(line));
  console.log(JSON.stringify(line));
}

function begin(): void {
  // One that is late is not asked for twice.
  if (wanted.length > 0) return;
  wanted = [...paths, ''];
  next();
}

function next(): void {
  const path = wanted.shift();
  if (path) client.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\n\r\n`);
}
