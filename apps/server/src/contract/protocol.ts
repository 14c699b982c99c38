/**
 * What the clients of a listener speak, as far as the server has to know it. It is no option: a listener of `addListener` has
 * `'messages'`, one that a `net.Server` of the program serves has one of the others.
 *
 *   messages  frames, each of which any process of its worker's name may take: nothing of a connection is kept in a process
 *   http      requests, cut in the reactor thread: between two of them a connection may go to another process
 *   stream    bytes that one process has to see from the first to the last
 */
export type Protocol = 'messages' | 'http' | 'stream';

/** Of connections that a process keeps something of. */
export type StatefulProtocol = Exclude<Protocol, 'messages'>;
