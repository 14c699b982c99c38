import type { Socket } from 'node:net';
import { FrameReader } from './frame-reader.js';
import { type FrameLink, sendMessage } from './frame-writer.js';
import { webSocketOver } from './ws-internals.js';

/**
 * Has plain messages of the WebSocket that lies over `socket` read and sent by this package, and all others by `ws` as ever. False: there is
 * none of `ws`, or one whose ways are not known here. To be called before anything is read or sent by it.
 */
export function leanWebSocket(socket: Socket, link: FrameLink): boolean {
  const webSocket = webSocketOver(socket);
  if (webSocket === undefined) return false;
  const { _receiver: receiver, _sender: sender } = webSocket;
  const { write } = receiver;
  const reader = new FrameReader(webSocket);
  receiver.write = (chunk, encoding, callback) => {
    // Streams can be written to in more ways than `ws` does.
    if (encoding !== undefined || callback !== undefined || !Buffer.isBuffer(chunk))
      return write.call(receiver, chunk, encoding, callback);
    return reader.write(chunk);
  };
  const { send } = sender;
  sender.send = (data, options, callback) => {
    if (callback !== undefined || !sendMessage(sender, link, data, options))
      send.call(sender, data, options, callback);
  };
  return true;
}
