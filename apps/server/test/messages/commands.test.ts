import { TestClient, until } from '@millrace/testkit';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createServer } from '../../src/index.js';
import { type RunningServer, startServer } from '../support.js';

let server: RunningServer;
let client: TestClient;
beforeAll(async () => {
  server = await startServer({}, {}, 'commands');
  client = await TestClient.connect(server.lines);
});
afterAll(async () => {
  client.close();
  await server[Symbol.asyncDispose]();
});

test('any process has any other run a command, itself included', async () => {
  const [own] = (await client.ask('who 0')).split(' ');
  for (const target of ['0', '1', '2', '3', 'manager', 'master'])
    expect(await client.ask(`who ${target}`)).toBe(`${own} "${target}"`);
  expect(await client.ask('add 2 {"a":3,"b":4}')).toBe(`${own} 7`);
  await server.program.printed(/event user 0 3/);
  await server.program.printed(/event master 0,2,3,manager,master/);
});

test('what a handler throws, or cannot be sent, comes to the asker', async () => {
  expect(await client.ask('fail 2')).toBe('RangeError undefined of taskWorker');
  expect(await client.ask('fail manager')).toBe('RangeError undefined of manager');
  const [own] = (await client.ask('who 0')).split(' ');
  expect(await client.ask(`unsendable ${1 - Number(own)}`)).toMatch(/ERR_MILLRACE_UNSENDABLE .*run/);
});

test('what is nowhere, or not there, is an error at once that says where it is', async () => {
  expect(await client.ask('what 0')).toMatch(
    /ERR_MILLRACE_NO_COMMAND There is no command 'what'; there are: who, add/,
  );
  expect(await client.ask('add master')).toMatch(
    /NO_COMMAND .*'add' is for worker, taskWorker; master is a master/,
  );
  for (const nobody of ['4', '-1', '1.5'])
    expect(await client.ask(`who ${nobody}`)).toMatch(/ERR_MILLRACE_NO_PROCESS/);
  expect(await client.ask('who 0 null -1')).toMatch(/ERR_MILLRACE_TIMEOUT_VALUE 'timeout' must be 0/);
});

test('with a time-out of 0 this process answers, and no other is asked', async () => {
  const [own] = (await client.ask('who 2')).split(' ');
  expect(await client.ask(`who ${own} null 0`)).toBe(`${own} "${own}"`);
  expect(await client.ask(`who ${1 - Number(own)} null 0`)).toMatch(/ERR_MILLRACE_COMMAND_TIMEOUT/);
});

test('an answer that comes too late is nobody else’s', async () => {
  expect(await client.ask('slow 2 500 20')).toMatch(
    /ERR_MILLRACE_COMMAND_TIMEOUT No answer of 2 to the command 'slow'/,
  );
  expect(await client.ask('slow 2 500 abort')).toMatch(/^TimeoutError/);
  const [own] = (await client.ask('who 0')).split(' ');
  for (let i = 0; i < 20; i++) expect(await client.ask('add 2 {"a":1,"b":1}')).toBe(`${own} 2`);
  // Both late ones come while this one is waited for.
  expect(await client.ask('slow 2 600')).toBe(`${own} "slow"`);
});

test('a process that dies before it has the command leaves it to its replacement; later, time runs out', async () => {
  const [own] = (await client.ask('who 0')).split(' ');
  const other = 1 - Number(own);
  const pid = () =>
    [...server.program.output.matchAll(new RegExp(`workerStart ${other} pid (\\d+)`, 'g'))].at(-1)?.[1];
  process.kill(Number(pid()), 'SIGSTOP');
  onTestFinished(() => {
    try {
      process.kill(Number(pid()), 'SIGCONT');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  });
  client.send(`who ${other} null 20000\n`);
  // Behind it, to somebody else: when that is answered, the first has been sent.
  const [first] = (await client.ask('who 2')).split(' ');
  expect(first).toBe(own);
  process.kill(Number(pid()), 'SIGKILL');
  expect(await client.line()).toBe(`${own} "${other}"`);
  const before = server.program.count(/event slow/g);
  client.send(`slow ${other} 60000 300\n`);
  await until('the handler', () => server.program.count(/event slow/g) > before);
  process.kill(Number(pid()), 'SIGKILL');
  expect(await client.line()).toMatch(/ERR_MILLRACE_COMMAND_TIMEOUT/);
});

test('commands are typed, checked, and added before the start', async () => {
  const made = createServer({ port: 0, workerNum: 1 });
  const length = made.addCommand('length', 'worker', (text: string) => text.length);
  const never = async () => {
    const number: number = await length.run(0, 'text', { timeout: 1 });
    // @ts-expect-error It takes a string.
    await length.run(0, number);
  };
  expect(never).toBeTypeOf('function');
  expect(() => made.addCommand('length', 'worker', () => {})).toThrow("There is a command 'length' already");
  expect(() => made.addCommand('other', 'reactor' as never, () => {})).toThrow(
    "'other' cannot be in 'reactor'",
  );
  expect(() => made.addCommand('other', [], () => {})).toThrow("'other' cannot be nowhere");
  await expect(length.run(0, 'text')).rejects.toThrow("'length' needs a started server");
});
