const cluster = require('node:cluster');
const dgram = require('node:dgram');

if (cluster.isPrimary) {
  cluster.fork();
  require('node:http').createServer().listen(0);
  dgram
    .createSocket('udp4')
    .bind(Number(process.env.UDP_PORT))
    .on('error', () => {});
} else setInterval(() => {}, 1e6);
