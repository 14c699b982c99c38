import { Program, until } from '@millrace/testkit';
import { test } from 'vitest';
import { get, portOf, programOf, start } from './support.js';

test('what a program publishes comes to all of its processes, and to those that replace them', async () => {
  await using program = start(programOf('telling.mjs'), { flags: ['--workers', '2'] });
  const port = await portOf(program);
  await get(port, '/tell?first');
  const told = new Map<string, string>();
  const ask = async () => {
    const [pid = '', ...texts] = (await get(port)).split(' ');
    told.set(pid, texts.join(' '));
    return [...told.values()];
  };
  await until('both of them to have it', async () => {
    const texts = await ask();
    return texts.length === 2 && texts.every((text) => text === 'first');
  });
  const [killed] = told.keys();
  process.kill(Number(killed), 'SIGKILL');
  await until('the process that replaces it', async () => {
    await ask();
    return told.size === 3;
  });
  const [, ...alive] = [...told.keys()];
  await get(port, '/tell?second');
  await until('both to have the second', async () => {
    await ask();
    return alive.every((pid) => told.get(pid)?.endsWith('second'));
  });
});

test('the same program as a process of its own hears itself', async () => {
  await using program = new Program(programOf('telling.mjs'));
  const port = await portOf(program);
  await get(port, '/tell?alone');
  await until('its own words', async () => (await get(port)).endsWith(' alone'));
});
