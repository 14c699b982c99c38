import express from 'express';

const app = express();
app.get('/', (_request, response) => {
  response.type('text/plain').send('Hello World\n');
});
app.listen(Number(process.env.PORT), process.env.HOST);
