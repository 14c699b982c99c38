/** Which processes may ask a server how it is and tell it what to do, and where. */
export interface AdminOptions {
  /**
   * What the server is found by: `millrace status NAME`. 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or
   * digit. One server of a user has a name; a second one is refused, and told the pid of the first.
   * @default 'title'
   */
  readonly name?: string;
  /**
   * Whether the server starts all the same where the interface cannot be opened, which is then logged; and where the name is taken,
   * under that name with a number behind it (`app-2`).
   * @default false
   */
  readonly optional?: boolean;
  /**
   * A port of TCP besides the unix socket; it takes a token of every client. 0 picks a free one, which the log tells.
   * @default none
   */
  readonly port?: number;
  /**
   * With `port`: an IPv4 or IPv6 address, by its literal. What is sent there is not encrypted.
   * @default '127.0.0.1'
   */
  readonly host?: string;
  /**
   * With `port`: the file that the token is in, 16 characters or more. It is root's or the master's user's, and no other user may
   * read it.
   * @default none: the token is in `tokenVariable`
   */
  readonly tokenFile?: string;
  /**
   * With `port`: the environment variable that the token is in. The processes below the master do not find it in theirs.
   * @default 'MILLRACE_ADMIN_TOKEN'
   */
  readonly tokenVariable?: string;
}

/** The options of the admin interface, with their defaults. */
export interface ResolvedAdmin {
  readonly name: string;
  readonly optional: boolean;
  readonly port?: number | undefined;
  readonly host: string;
  readonly tokenFile?: string | undefined;
  readonly tokenVariable: string;
}
