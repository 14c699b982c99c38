import express from 'express';

const app = express();
app.get('/', (_request, response) => {
  response.send(`Hello from process ${process.pid}\n`);
});
app.listen(process.env.PORT ?? 3000);
