import { setFlagsFromString } from 'node:v8';

/** How many times as large the part of the heap for what is young becomes when it grows; V8 doubles it by itself. Its limit stays. */
const GROWTH = 4;

const isSetByUser = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((options) =>
  /semi.space/.test(options),
);

/**
 * Has V8 collect what is young every few thousand requests instead of every few hundred: what a request has left
 * behind by then is dead, and costs nothing to collect. By itself V8 lets that part grow with what survives in it, which of requests is
 * next to nothing however many there are. What was said by `--max-semi-space-size` or its like holds.
 */
export function growYoungGeneration(): void {
  if (!isSetByUser) setFlagsFromString(`--semi-space-growth-factor=${GROWTH}`);
}
