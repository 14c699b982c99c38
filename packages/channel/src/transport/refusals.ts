import { ChannelError } from '../errors.js';

/** The errors of a channel that refuses a call. */
export function borrowsError(): ChannelError {
  return new ChannelError(
    'ERR_MILLRACE_CHANNEL_BORROWS',
    "The messages of this channel are views that are valid during a call only: take them with on('message', …).",
  );
}

export function closedError(): ChannelError {
  return new ChannelError('ERR_MILLRACE_CHANNEL_CLOSED', 'The channel is closed.');
}

export function listeningError(): ChannelError {
  return new ChannelError(
    'ERR_MILLRACE_CHANNEL_LISTENING',
    "The messages of this channel go to its handlers: remove them with off('message', …) to receive.",
  );
}

export function tooLarge(length: number, limit: number): ChannelError {
  return new ChannelError(
    'ERR_MILLRACE_MESSAGE_TOO_LARGE',
    `The message has ${length} bytes; this channel carries at most ${limit}.`,
  );
}

export function full(queued: number, limit: number): ChannelError {
  return new ChannelError(
    'ERR_MILLRACE_CHANNEL_FULL',
    `${queued} bytes wait for the reader, the limit is ${limit}. Wait for drained() when send() returns false.`,
  );
}
