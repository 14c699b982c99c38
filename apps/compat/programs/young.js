import { createServer } from 'node:http';
import { getHeapSpaceStatistics } from 'node:v8';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const youngBytes = () =>
  getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;

// What lives has the young generation grow. It is looked at so often that no two collections come between two looks.
function sizesWhileKeeping() {
  const sizes = new Set();
  const kept = [];
  for (let i = 0; i < 1_200; i++) {
    for (let j = 0; j < 500; j++) kept.push({ j });
    sizes.add(youngBytes());
  }
  return [...sizes];
}

if (isMainThread) {
  const server = createServer((_req, res) => {
    // V8's flags are the process's. The heap of a thread is new, where this one's has grown already by what was loaded.
    new Worker(new URL(import.meta.url)).once('message', (sizes) => res.end(JSON.stringify(sizes)));
  });
  server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
    console.log(`listening on ${JSON.stringify(server.address())}`);
  });
} else {
  parentPort.postMessage(sizesWhileKeeping());
}
