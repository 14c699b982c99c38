import fastify from 'fastify';

const app = fastify();
app.get('/', (_request, reply) => {
  reply.type('text/plain').send('Hello World\n');
});
await app.listen({ port: Number(process.env.PORT), host: process.env.HOST });
