import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * The body of a request as a web stream. It is read from the client as it is read here; what is left of it when the answer is over, or
 * once it is cancelled, is dropped, so that the connection can go on.
 */
export function requestBody(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let controller: ReadableStreamDefaultController<Uint8Array>;
  let isOver = false;
  const onData = (chunk: Buffer) => {
    // Its memory may be that of others as well, which a stream may transfer.
    controller.enqueue(new Uint8Array(chunk));
    if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
  };
  const onEnd = () => {
    over();
    controller.close();
  };
  const onBroken = (error?: Error) => {
    if (isOver) return;
    over();
    controller.error(error ?? new TypeError('The client has left in the middle of the body.'));
  };
  const onAnswered = () => {
    if (isOver) return;
    over();
    controller.error(new TypeError('The request was answered before all of its body was read.'));
    incoming.resume();
  };
  const over = () => {
    isOver = true;
    incoming.off('data', onData);
    incoming.off('end', onEnd);
    outgoing.off('finish', onAnswered);
  };
  let isBegun = false;
  return new ReadableStream<Uint8Array>(
    {
      start: (given) => {
        controller = given;
        outgoing.once('finish', onAnswered);
        incoming.once('error', onBroken);
        incoming.once('close', () => onBroken());
      },
      pull: () => {
        if (isBegun) incoming.resume();
        else {
          isBegun = true;
          incoming.on('data', onData);
          incoming.once('end', onEnd);
        }
      },
      cancel: () => {
        if (isOver) return;
        over();
        incoming.resume();
      },
    },
    { highWaterMark: 0 },
  );
}
