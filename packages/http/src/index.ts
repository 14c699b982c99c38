export { LeanConnection } from './connection/lean-connection.js';
export type { LeanLink } from './connection/lean-link.js';
export { LeanServer } from './connection/lean-server.js';
export { LeanRequest } from './message/lean-request.js';
export { LeanResponse } from './message/lean-response.js';
export type { FrameLink } from './websocket/frame-writer.js';
export { leanWebSocket } from './websocket/lean-web-socket.js';
