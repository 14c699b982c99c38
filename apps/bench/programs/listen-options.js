/**
 * Where the programs listen. wrk opens its 1,000 connections at once: of those, a backlog of 511, Node's default, turns away what has not been
 * accepted yet, and a client that was turned away asks again after more and more seconds, which would be told of the server.
 */
export const listenOptions = {
  port: Number(process.env.PORT),
  host: process.env.HOST,
  backlog: 4096,
};
