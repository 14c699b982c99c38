import express from 'express';
import { listenOptions } from './listen-options.js';

const app = express();
app.get('/', (_request, response) => {
  response.type('text/plain').send('Hello World\n');
});
app.listen(listenOptions);
