import type { ServerResponse } from 'node:http';

const WAITING_MS = 1_000;

/** An answer of lines of JSON, of which some come every second whatever else there is to tell. */
export interface LineStream<Line> {
  write(line: Line): void;
  /** The last one. */
  end(line: Line): void;
}

/** What is to be done goes on when the client goes away. */
export function beginLines<Line>(
  response: ServerResponse,
  waiting: (seconds: number) => readonly Line[],
): LineStream<Line> {
  const write = (line: Line) => {
    if (!response.destroyed) response.write(`${JSON.stringify(line)}\n`);
  };
  response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
  const beganAt = performance.now();
  const timer = setInterval(() => {
    for (const line of waiting(Math.round((performance.now() - beganAt) / 1_000))) write(line);
  }, WAITING_MS);
  return {
    write,
    end(line) {
      clearInterval(timer);
      write(line);
      response.end();
    },
  };
}
