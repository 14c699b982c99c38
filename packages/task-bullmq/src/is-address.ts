/** Of what is no Redis, as a mistyped `nats://…`, the client would make a path of the file system. */
const OTHER_SCHEME = /^(?!rediss?:|unix:)[a-z][a-z\d+.-]*:\/\//i;

/** Whether a value says where a Redis is, in a way that another process can be told. */
export function isAddress(connection: unknown): boolean {
  if (typeof connection === 'string') return !OTHER_SCHEME.test(connection);
  if (typeof connection !== 'object' || connection === null) return false;
  return Object.getPrototypeOf(connection) === Object.prototype;
}
