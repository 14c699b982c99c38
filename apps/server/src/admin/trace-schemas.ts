// What the admin interface says of a session that is traced. The OpenAPI document is made of these, and so are the types.

import * as v from 'valibot';
import { CLOSE_REASONS } from '../contract/close-reasons.js';
import { connectionSchema } from './schemas.js';

const number = v.pipe(v.number(), v.minValue(0));
const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const said = <S extends v.GenericSchema>(schema: S, text: string) => v.pipe(schema, v.description(text));

export const STEPS = [
  'read',
  'dispatched',
  'taken',
  'answered',
  'collected',
  'written',
  'drained',
  'closed',
] as const;

export const stepSchema = v.strictObject({
  type: v.literal('step'),
  step: said(
    v.picklist(STEPS),
    "'read': the reactor has read bytes of the client; 'dispatched': it gives a message to the channel of a worker; 'taken': the worker " +
      "takes it; 'answered': a process puts something for the client into the way back; 'collected': the reactor takes that; 'written': it " +
      "has written it to the socket; 'drained': the system has taken more of what waited; 'closed': the connection is closed.",
  ),
  at: said(number, 'Milliseconds since 1970, with a fraction.'),
  process: said(
    v.string(),
    "'reactor:0', or a process, as 'worker:1'. In base mode a reactor is part of the worker of its number.",
  ),
  pid: whole,
  message: said(
    v.nullable(whole),
    'Counts the messages of this trace; null: it is of none, or of one from before.',
  ),
  request: said(v.nullable(whole), 'Which request of the connection, where it speaks HTTP.'),
  kind: said(
    v.nullable(v.string()),
    "What was given: 'message', 'request', 'request-begin', 'request-rest', 'end' (the client sends no more), 'bytes', 'file', 'close', 'reset', …",
  ),
  bytes: whole,
  to: said(v.nullable(v.string()), 'The worker that gets it.'),
  from: said(v.nullable(v.string()), 'The process that has sent it.'),
  queuedBytes: said(v.nullable(number), 'What the system has not taken by then; null: not of this step.'),
  sinceUs: said(v.nullable(number), 'Microseconds since the step before of the same message.'),
  totalUs: said(v.nullable(number), "Of 'written': microseconds since the message was read."),
  reason: v.nullable(v.picklist(CLOSE_REASONS)),
});
export type StepReport = v.InferOutput<typeof stepSchema>;

export const traceEvent = v.variant('type', [
  v.strictObject({
    type: v.literal('session'),
    mode: v.picklist(['process', 'base']),
    connection: connectionSchema,
  }),
  stepSchema,
  v.strictObject({
    type: v.literal('missed'),
    steps: said(whole, 'That were written over before they were read.'),
  }),
  v.strictObject({
    type: v.literal('end'),
    outcome: said(v.picklist(['closed', 'stopped']), "'stopped': the admin process ends."),
    reason: said(v.nullable(v.picklist(CLOSE_REASONS)), 'Why the connection is closed.'),
  }),
]);
export type TraceEvent = v.InferOutput<typeof traceEvent>;
