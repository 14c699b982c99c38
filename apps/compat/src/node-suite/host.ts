/**
 * The entry module of a server whose only worker runs one of Node's tests: `node FLAGS host.js`, told by the environment what and how.
 * Ends as the worker has ended.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import Module from 'node:module';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import { type HostedTest, VARIABLE } from './hosted-test.js';

const POLL_MS = 20;
/** So often in a row nothing has kept the loop when a test is over. */
const LOOKS = 3;

/** What node:net knows of a server beyond its types. */
interface Listening extends net.Server {
  _handle: { hasRef?(): boolean } | null;
}

const hosted = JSON.parse(process.env[VARIABLE] as string) as HostedTest;
const pidFile = `${hosted.ended}.pid`;
if (process.ppid === hosted.runner) watch();
else host();

const { startProgram } = await import('@millrace/server/program');
await startProgram({
  file: hosted.file,
  without: [VARIABLE],
  server: {
    workerNum: 1,
    mode: hosted.mode,
    httpEngine: hosted.engine,
    logLevel: 'error',
    ...(hosted.mode === 'process' && { reactorNum: 1 }),
  },
});

/** In the master: the end of the first worker is that of the test, whatever is started in its place. */
function watch(): void {
  setInterval(() => {
    const ended = existsSync(hosted.ended) ? readFileSync(hosted.ended, 'utf8') : '';
    if (ended !== '') process.exit(Number(ended));
    if (!existsSync(pidFile)) return;
    const pid = Number(readFileSync(pidFile, 'utf8'));
    if (pid === 0) return;
    try {
      process.kill(pid, 0);
    } catch {
      if (existsSync(hosted.ended)) return;
      console.error('Error: the worker has ended by a signal');
      process.exit(128);
    }
  }, POLL_MS);
}

/** In every other process of the server: in that which runs a program. */
function host(): void {
  unrefOwnTimers();
  const loader = Module as unknown as { _load: (...args: unknown[]) => unknown };
  const { _load: load } = loader;
  loader._load = function (this: unknown, ...args) {
    if (args[2] !== true) return load.apply(this, args);
    loader._load = load;
    // One that is started in the place of the first does nothing.
    if (existsSync(pidFile)) return undefined;
    writeFileSync(pidFile, String(process.pid));
    noteEnd();
    endWhenIdle();
    return load.apply(this, args);
  };
}

/** By which code this process ends: `exit` handlers of the test may change it. */
function noteEnd(): void {
  const note = (code: number) => writeFileSync(hosted.ended, String(code));
  const untyped = process as unknown as { reallyExit: (code: number) => void };
  const { reallyExit } = untyped;
  untyped.reallyExit = (code) => {
    note(code);
    reallyExit.call(process, code);
  };
  // An uncaught error does not come by that.
  process.prependListener('exit', (code) => {
    if (code !== 0) note(code);
  });
}

/**
 * Node ends a process when nothing keeps its loop. A worker of a server lives on: what is its own is not counted, and a
 * captured server and its connections count as handles of theirs would.
 */
function endWhenIdle(): void {
  const servers = new Set<Listening>();
  const sockets = new Set<net.Socket>();
  const prototype = net.Server.prototype as unknown as {
    _listen2: (...args: unknown[]) => void;
    emit: (...args: unknown[]) => boolean;
  };
  const { _listen2: listen, emit } = prototype;
  prototype._listen2 = function (this: Listening, ...args) {
    servers.add(this);
    this.once('listening', keepAliveAsNode);
    return listen.apply(this, args);
  };
  prototype.emit = function (this: Listening, ...args) {
    const [event, socket] = args;
    if (event === 'connection' && servers.has(this)) sockets.add(socket as net.Socket);
    return emit.apply(this, args);
  };
  const capturedKeep = () =>
    [...servers].some(({ _handle: handle }) => handle !== null && handle.hasRef?.() !== false) ||
    [...sockets].some(keepsLoop);
  const own = new Set(activeHandles());
  const isIdle = () =>
    !capturedKeep() &&
    !activeHandles().some((each) => !own.has(each) && isActive(each)) &&
    otherResources().length === 0;
  let looks = 0;
  const look = setInterval(() => {
    looks = isIdle() ? looks + 1 : 0;
    if (looks < LOOKS) return;
    looks = 0;
    process.emit('beforeExit', Number(process.exitCode ?? 0));
    if (isIdle()) process.exit();
  }, POLL_MS);
  look.unref();
}

/** Undocumented, and what tests of Node itself use. */
function activeHandles(): unknown[] {
  return (process as unknown as { _getActiveHandles: () => unknown[] })._getActiveHandles();
}

/** Where nothing is read and nothing waits to be written, nothing more can happen. */
function keepsLoop(socket: net.Socket): boolean {
  const { _readableState, _handle } = socket as unknown as {
    _readableState: { ended: boolean };
    _handle: unknown;
  };
  // With a handle it is the kernel's, and counted as one.
  return (
    !_handle &&
    !socket.destroyed &&
    ((!_readableState.ended && !socket.isPaused()) || socket.writableLength > 0)
  );
}

/** A socket that is not read keeps no loop by itself. */
function isActive(handle: unknown): boolean {
  if (!(handle instanceof net.Socket)) return true;
  const { _handle, _readableState } = handle as unknown as {
    _handle: { reading?: boolean } | null;
    _readableState: { ended: boolean };
  };
  return _handle?.reading === true && !_readableState.ended;
}

/** Timers and requests; less handles, and what is over with the turn. */
function otherResources(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter(
      (type) =>
        !/^(Immediate|CloseReq|\w+Wrap|\w+WRAP)$/.test(type) ||
        /^(TCPConnect|PipeConnect|Write|Shutdown|GetAddrInfoReq)/.test(type),
    );
}

/** It is 75 s in process mode where a program says nothing, and tests wait for the end of Node's 5 s. */
function keepAliveAsNode(this: { keepAliveTimeout?: number }): void {
  if (this.keepAliveTimeout === 75_000) this.keepAliveTimeout = 5_000;
}

/** Timers of the server are no reason for a test to go on. They are told from those of the test by what calls for them. */
function unrefOwnTimers(): void {
  // Modules are named by URLs there, and what comes out of the bundle by its path.
  const own = fileURLToPath(new URL('../../../..', import.meta.url));
  for (const name of ['setTimeout', 'setInterval'] as const) {
    const native = globalThis[name] as (...args: unknown[]) => NodeJS.Timeout;
    const wrapped = (...args: unknown[]) => {
      const timer = native(...args);
      const [, , caller] = (new Error().stack ?? '').split('\n');
      return caller?.includes(own) ? unrefForGood(timer) : timer;
    };
    // With what util.promisify looks for.
    Object.defineProperties(wrapped, Object.getOwnPropertyDescriptors(native));
    Object.assign(globalThis, { [name]: wrapped });
  }
}

/** Whatever has made it may ask later that it keep the loop. */
function unrefForGood(timer: NodeJS.Timeout): NodeJS.Timeout {
  return Object.assign(timer.unref(), { ref: () => timer });
}
