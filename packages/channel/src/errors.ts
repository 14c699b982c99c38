/** The closed set of codes that errors of a channel carry. Codes are stable; messages are not. */
export type ChannelErrorCode =
  /** The channel has been closed, or the other side has. */
  | 'ERR_MILLRACE_CHANNEL_CLOSED'
  /** `receive` or iteration on a channel whose messages go to a listener. */
  | 'ERR_MILLRACE_CHANNEL_LISTENING'
  /** `receive` or iteration on a channel whose messages are views, which are valid only during a listener's call. */
  | 'ERR_MILLRACE_CHANNEL_BORROWS'
  /** More is waiting to be sent than the channel's limit allows; nothing of this message was taken. */
  | 'ERR_MILLRACE_CHANNEL_FULL'
  /** One message is larger than the transport carries; nothing of it was taken. */
  | 'ERR_MILLRACE_MESSAGE_TOO_LARGE'
  /** The value holds something that has no meaning in another process; `path` says where. */
  | 'ERR_MILLRACE_UNSENDABLE'
  /** Bytes arrived that are not a message of this channel's codec. */
  | 'ERR_MILLRACE_BAD_MESSAGE'
  /** A wait ended by its time-out. */
  | 'ERR_MILLRACE_TIMEOUT';

export class ChannelError extends Error {
  override readonly name = 'ChannelError';
  readonly code: ChannelErrorCode;
  /** `ERR_MILLRACE_UNSENDABLE`: where in the value, as `value.user.socket`. */
  readonly path: string | undefined;

  constructor(code: ChannelErrorCode, message: string, options?: ErrorOptions & { path?: string }) {
    super(message, options);
    this.code = code;
    this.path = options?.path;
  }
}
