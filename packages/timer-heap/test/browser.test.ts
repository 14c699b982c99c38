import { readdirSync, readFileSync } from 'node:fs';
import vm from 'node:vm';
import { within } from '@millrace/testkit';
import { expect, test } from 'vitest';

const dist = new URL('../dist/', import.meta.url);
const sources = readdirSync(dist)
  // Those that begin with 'bundled-' are for the condition of that name, which only processes of a server of Node are given.
  .filter((name) => name.endsWith('.js') && !name.startsWith('bundled-'))
  .map((name) => [name, readFileSync(new URL(name, dist), 'utf8')] as const);

test('no file imports a package or names anything that only Node has', () => {
  expect(sources.map(([name]) => name)).toContain('index.js');
  for (const [name, source] of sources) {
    const code = source.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    expect(
      code.match(/\bnode:|\bprocess\.|\bBuffer\b|\bglobal\.|\brequire\(|\bsetImmediate\b/g),
      name,
    ).toBeNull();
    for (const [, from] of code.matchAll(/(?:from|import)\s*\(?['"]([^'"]+)/g)) expect(from).toMatch(/^\.\//);
  }
});

/** The package's one module as a script. */
function script(): string {
  const source = readFileSync(new URL('index.js', dist), 'utf8');
  expect(source).not.toMatch(/^import /m);
  return source.replace(/^export \{[^}]*\};$/m, '');
}

test('it runs where there is nothing but what browsers have, and timeouts are numbers', async () => {
  const handles = new Map<number, ReturnType<typeof setTimeout>>();
  let last = 0;
  const result = await within(
    'the script',
    new Promise<unknown>((resolve, reject) => {
      const context = vm.createContext({
        performance,
        queueMicrotask,
        AbortController,
        AbortSignal,
        resolve,
        reject,
        setTimeout: (callback: () => void, ms: number) => {
          handles.set(++last, setTimeout(callback, ms));
          return last;
        },
        clearTimeout: (handle: number) => clearTimeout(handles.get(handle)),
      });
      vm.runInContext(
        `${script()}
        (async () => {
          const timers = new TimerHeap();
          const seen = [];
          const id = timers.tick(1, () => seen.push('tick'));
          timers.unref(id);
          for await (const count of timers.ticks(2)) if (count > 2) break;
          timers.clear(id);
          await timers.sleep(5);
          const controller = new AbortController();
          const aborted = timers.sleep(60_000, { signal: controller.signal }).catch((error) => error.name);
          controller.abort();
          seen.push(await aborted);
          timers.close();
          return [seen[0], seen.at(-1), timers.stats().num];
        })().then(resolve, reject);`,
        context,
      );
    }),
  );
  expect(result).toEqual(['tick', 'AbortError', 0]);
});
