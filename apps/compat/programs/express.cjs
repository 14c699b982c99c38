const { createHash } = require('node:crypto');
const { join } = require('node:path');
const { Readable } = require('node:stream');
const { setTimeout: sleep } = require('node:timers/promises');
const compression = require('compression');
const express = require('express');

const app = express();
const port = process.env.PORT ?? 3000;
const chunk = Buffer.alloc(65_536, 'The quick brown fox jumps over the lazy dog. ');

app.use('/static', express.static(join(__dirname, 'public')));
app.use('/compressed', compression());

app.get('/', (req, res) => {
  res.send('Hello World!');
});

app.get('/users/:id', (req, res) => {
  res.json({ user: req.params.id, query: req.query, ip: req.ip });
});

app
  .route('/echo')
  .all(express.raw({ type: () => true, limit: '32mb' }))
  .post((req, res) =>
    res.type(req.get('content-type') ?? 'bin').send(Buffer.isBuffer(req.body) ? req.body : ''),
  )
  .put((req, res) => res.send(Buffer.isBuffer(req.body) ? req.body : ''))
  .all((req, res) => res.status(405).set('Allow', 'POST, PUT').end());

app.post('/json', express.json(), (req, res) => {
  res.json(req.body);
});

app.post('/form', express.urlencoded({ extended: false }), (req, res) => {
  res.json(req.body);
});

app.post('/digest', async (req, res) => {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const part of req) {
      hash.update(part);
      bytes += part.length;
    }
  } catch {
    console.log(`upload aborted after ${bytes} bytes`);
    return;
  }
  res.json({ bytes, sha256: hash.digest('hex') });
});

app.get('/slow', (req, res) => {
  setTimeout(() => res.send('at last\n'), 20);
});

app.get('/events', async (req, res) => {
  res.set({ 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  res.flushHeaders();
  for (let id = 1; id <= 3; id++) {
    res.write(`id: ${id}\ndata: tick\n\n`);
    await sleep(5);
  }
  res.end();
});

app.get('/large', (req, res) => {
  res.type('bin');
  Readable.from(Array.from({ length: 320 }, () => chunk)).pipe(res);
});

app.get('/compressed', (req, res) => {
  res.type('text').send(chunk.toString());
});

app.get('/error', () => {
  throw new Error('on purpose');
});

const server = app.listen(port, '127.0.0.1', () => {
  console.log(`listening on ${JSON.stringify(server.address())}`);
});
