const http = require('node:http');
const { spawn } = require('node:child_process');

/** `/wait` is answered after a SIGCONT to this process; `/orphan` leaves a process behind whose parent has ended, and tells its pid. */
const server = http.createServer((request, response) => {
  if (request.url === '/wait') {
    console.log(`waits ${process.pid}`);
    process.once('SIGCONT', () => response.end('waited'));
    return;
  }
  if (request.url === '/orphan') {
    const shell = spawn('sh', ['-c', 'sh -c "read line" <&3 & echo $!'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    shell.stdout.once('data', (text) => {
      shell.once('exit', () => response.end(String(text).trim()));
    });
    // The end of its input is the end of the process that is left.
    process.once('SIGUSR2', () => shell.stdio[3].destroy());
    return;
  }
  response.end(String(process.pid));
});
server.listen(0, () => console.log('listening', JSON.stringify(server.address())));
