import { createServer } from 'node:http';
import { getHeapSpaceStatistics } from 'node:v8';

const youngBytes = () =>
  getHeapSpaceStatistics().find((space) => space.space_name === 'new_space').space_size;

// What lives has the young generation grow. It is looked at so often that no two collections come between two looks.
const server = createServer((_req, res) => {
  const sizes = new Set();
  const kept = [];
  for (let i = 0; i < 1_200; i++) {
    for (let j = 0; j < 500; j++) kept.push({ j });
    sizes.add(youngBytes());
  }
  res.end(JSON.stringify([...sizes]));
});
server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});
