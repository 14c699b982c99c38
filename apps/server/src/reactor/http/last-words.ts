const head = (status: string, length: number, extra: string) =>
  `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${length}\r\n${extra}\r\n`;

function answer(status: string, text: string, extra = '') {
  const start = head(status, text.length, extra);
  return { whole: Buffer.from(start + text), head: Buffer.from(start) };
}

/** Answers that a reactor thread gives itself, for a worker that has died; the head alone for HEAD. */
export const BAD_GATEWAY = answer(
  '502 Bad Gateway',
  'Bad Gateway: the process that had this request has ended.\n',
);
export const UNAVAILABLE = answer(
  '503 Service Unavailable',
  'Service Unavailable: no process takes this request by now.\n',
  'Retry-After: 1\r\n',
);
/** The frame that closes a WebSocket: 1012, service restart. */
export const SERVICE_RESTART = Buffer.of(0x88, 0x02, 0x03, 0xf4);
