import { ChannelError } from '@millrace/channel';
import { SEND_LIMIT } from '../constants.js';
import { ServerError } from '../errors.js';

/** The answer would come when the process serves; and until it is ready, it does not. */
export function cannotReceiveReplies(id: number): ServerError {
  return new ServerError(
    'ERR_MILLRACE_NOT_RUNNING',
    `Waiting for room in session ${id} needs a started server; in a worker or task worker, one whose workerStart is over.`,
  );
}

export function sessionFull(id: number, pending: number, limit: number): ServerError {
  return new ServerError(
    'ERR_MILLRACE_SESSION_FULL',
    `${pending} bytes wait for the client of session ${id}, socketBufferSize is ${limit}. ` +
      'Wait for drained() when send() returns false.',
  );
}

export function filesFull(cause: Error): ChannelError {
  return new ChannelError(
    'ERR_MILLRACE_CHANNEL_FULL',
    'A reactor thread has not taken the files that were sent before, and this one was not sent. Wait for drained().',
    { cause },
  );
}

export function linkFull(queued: number): ChannelError {
  return new ChannelError(
    'ERR_MILLRACE_CHANNEL_FULL',
    `${queued} bytes wait for a reactor thread, the limit is ${SEND_LIMIT}. Wait for drained() when send() returns false.`,
  );
}
