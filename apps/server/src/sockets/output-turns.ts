/** What has output to send at the end of this turn. */
export interface HasOutput {
  sendGathered(): void;
}

let waiting: HasOutput[] = [];
let running: HasOutput[] = [];
let isInstalled = false;

/**
 * Has `socket` send what it has gathered, once what is going on is over. It is the next tick, which comes before the ones in which
 * streams call the callbacks of their writes: those are called when the bytes are gone, as with a socket of the kernel.
 */
export function sendSoon(socket: HasOutput): void {
  if (!isInstalled) installAtExit();
  if (waiting.push(socket) === 1) process.nextTick(sendAll);
}

/** A program may answer and exit, or throw. In front, for in base mode the reactor sends what it has gathered by then. */
function installAtExit(): void {
  isInstalled = true;
  process.prependListener('exit', sendAll);
}

function sendAll(): void {
  const sockets = waiting;
  waiting = running;
  running = sockets;
  for (const socket of sockets) socket.sendGathered();
  sockets.length = 0;
}
