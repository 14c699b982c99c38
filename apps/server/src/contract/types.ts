/**
 * What a program says of its own values, once, for all of its files:
 *
 *     declare module '@millrace/server' {
 *       interface Types {
 *         sessionData: { name: string };
 *         message: { kind: 'invalidate'; key: string };
 *         topics: { news: { title: string }; [room: `room.${string}`]: { from: string; text: string } };
 *       }
 *     }
 *
 * Without it all are `unknown`, and a topic is any string. The types of tasks, their results and their reports are inferred from `tasks`.
 */
// biome-ignore lint/suspicious/noEmptyInterface: programs add to it
export interface Types {}

/** What a program has said of `Name`; `unknown` where it has said nothing. */
export type TypeOf<Said, Name extends string> = Said extends { readonly [Key in Name]: infer Type }
  ? Type
  : unknown;

/** What the handlers of a worker keep with a session; undefined until one of them has set it. */
export type SessionData = TypeOf<Types, 'sessionData'> | undefined;

/** What processes of the server send to each other. */
export type Message = TypeOf<Types, 'message'>;

type Topics = TypeOf<Types, 'topics'>;

/** What may be published under. */
export type TopicName = unknown extends Topics ? string : keyof Topics & string;

/** What is published under a topic. */
export type TopicValue<Name extends string> = Name extends keyof Topics ? Topics[Name] : unknown;
