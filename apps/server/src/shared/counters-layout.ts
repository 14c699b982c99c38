import type { ListenerIndex, ReactorIndex, Unchecked } from '../contract/ids.js';

/**
 * What the server counts, in memory that every process of the server maps: float64 each (whole numbers, exact up to
 * 2^53), and each block written by one thread alone. Nothing outside of this file knows an offset.
 *
 *   server     ┌────────────┬──────────┬─────────────┬──────────────┬──────────────┐ 8 doubles
 *   (master)   │ START_TIME │ ACCEPTED │ TURNED_AWAY │ LAST_SESSION │ ROUND (int32)│ ROUND: all reactor threads
 *              │ OUT_OF_DESCRIPTORS │ LOST_LOG_LINES (int64) │ STATE               │ LOST_LOG_LINES: all processes
 *              │ WORKER_NUM │ WORKER_PLACES │ TASK_WORKER_NUM │                      │ 8 more
 *              ├────────────┴──────────┴─────────────┴──────────────┴──────────────┤
 *   listeners  │ PORTS: the port that each listener is bound to                    │ 256 doubles,
 *              │ ACCEPTED_BY, REFUSED_BY: clients that the master has let in there,│ 256 and
 *              │ and has closed at once                                            │ 256 more
 *              ├──────┬────────────────────────┬────────┬─────────────────┬────────┤
 *   reactor r  │ HELD_BACK │ MEMORY │ CLOSED │ DROPPED_PACKETS │ ACCEPTED_HERE │    │ 8 doubles,
 *              │ TURNED_AWAY_HERE │ LAST_SESSION_HERE │ OPEN_HERE (int32)          │
 *              │ MEMORY_HOLDS │ MEMORY_CLOSES │ OUT_OF_DESCRIPTORS_HERE │          │ 8 more,
 *              │ ENDED_502 │ ENDED_503 │ ENDED_BY_CLOSE │ ENDED_BY_RESET │         │
 *              │ ENDED_BY_RESTART │ RETRIED │ GIVEN_UP │ TURNED_AT                 │ 8 more,
 *              │ CLOSED_FOR: for each of CLOSE_CAUSES                              │ 16 more,
 *              │ for each listener: ACCEPTED, REFUSED, CLOSED, MESSAGES_IN,        │ 8 × L,
 *              │ MESSAGES_OUT, BYTES_IN, BYTES_OUT                                 │
 *              │ for each worker: DISPATCHED, IN_FLIGHT_RESET, CONNECTIONS         │ then 3 × W, rounded up to 8
 *              ├─────┬────────────┬──────────┬───────────┬─────────────────────────┤
 *   process p  │ PID │ READY_PID │ REQUESTS │ RESPONSES │ TASKS │ TASKS_AT_HAND  │ 6, 7:
 *              │ TASKS_COMPLETED │ TASKS_FAILED                                    │ 8 doubles,
 *              │ BEAT_PID │ BEAT │ DEBUGGED │ BEAT_AT │ LOOP_DELAY │ RESTARTS │    │ 6, 7:
 *              │ FAILURES │ LAST_EXIT                                             │ 8 doubles,
 *              │ LOOP_DELAY_P99 │ TASK_RUNNING │ TASK_SINCE │ PUBLISHED │          │ 8 more,
 *              │ DELIVERED │ DROPPED_MESSAGES │ BUS_DROPPED │ BUS_RECONNECTS       │
 *              │ ORDER │ ORDER_KIND │ ORDER_PID │ ANSWERED_ORDER │ ANSWER_STATE │   │ 8 doubles,
 *              │ ANSWER_BYTES                                                      │
 *              │ ENGINE_AT │ ENGINE_CONNECTED │ ENGINE_WAITING │ ENGINE_DELAYED │  │ 8 doubles,
 *              │ ENGINE_RUNNING │ ENGINE_HOSTS │ ENGINE_DISCONNECTS │             │
 *              │ REMOTE_RETRIED │ REMOTE_LOOKED_UP │ REMOTE_LOST │ HOST_…        │ 16 more,
 *              │ STANDBY_PID                                                     │ among them
 *              │ for each reactor thread: DONE                                     │ then R, rounded up to 8
 *              └───────────────────────────────────────────────────────────────────┘
 *
 * DISPATCHED(r, w) counts the messages that reactor thread r has sent to worker w, DONE(w, r) those of r that w has
 * finished. What lies between is under way; of it, IN_FLIGHT_RESET(r, w) went down with a worker that died. Counters go on
 * where a dead process has left them.
 *
 * In base mode reactor r is worker r, and counts in its own block (…_HERE) what the master counts otherwise. When it has
 * died the manager writes there, until the next worker has its place. OPEN_HERE is what `maxConnections` goes by.
 * TASKS counts the tasks that a worker has asked for, of which TASKS_AT_HAND have no answer; those of a worker that died
 * were neither completed nor failed. In a task worker TASKS_AT_HAND is how many it runs; and of what it has found in a
 * queue of the system, the place of TASKS_COMPLETED has how many messages were no tasks (GARBAGE), that of TASKS_FAILED
 * how many tasks of other programs, or earlier runs, have failed (ORPHANS_FAILED).
 *
 * Who starts a process (the manager; of itself and the manager, the master) writes PID, READY_PID, RESTARTS, FAILURES, LAST_EXIT and
 * STANDBY_PID of its block; the process itself what is about its loop. ORDER_… is what the master asks a process about itself, ANSWER_… what that has
 * answered: see diagnosis-words.ts.
 */
const LINE = 8;

export const START_TIME = 0;
export const ACCEPTED = 1;
export const TURNED_AWAY = 2;
export const LAST_SESSION = 3;
/** In units of int32. */
export const ROUND_WORD = 8;
export const OUT_OF_DESCRIPTORS = 5;
/** In units of int64. */
export const LOST_LOG_LINES = 6;
/** Where the server is in its life: one of SERVER_STATES. */
export const STATE = 7;
/** Workers that get what clients send; places that have a process, which is more while some are on their way out; task workers. */
export const WORKER_NUM = LINE;
export const WORKER_PLACES = LINE + 1;
export const TASK_WORKER_NUM = LINE + 2;
export const PORTS = 2 * LINE;
const PORTS_LENGTH = 256;
/** In place of a port, for a listener that a program has asked for at run time: it is a unix socket. */
export const ON_PATH = 65_536;

/** The server as a whole, by the number in STATE; 0: nothing is told yet. */
export const SERVER_STARTING = 1;
export const SERVER_RUNNING = 2;
export const SERVER_STOPPING = 3;

/** By listener, as PORTS: what the master counts of them where it accepts. */
export const ACCEPTED_BY = PORTS + PORTS_LENGTH;
export const REFUSED_BY = ACCEPTED_BY + PORTS_LENGTH;

const FIRST_REACTOR = REFUSED_BY + PORTS_LENGTH;
/** How often a client had its share of messages under way, and was not read from. */
export const HELD_BACK = 0;
/** Bytes that this reactor holds for its clients. */
export const MEMORY = 1;
export const CLOSED = 2;
export const DROPPED_PACKETS = 3;
export const ACCEPTED_HERE = 4;
export const TURNED_AWAY_HERE = 5;
export const LAST_SESSION_HERE = 6;
/** In units of int32, from the beginning of the reactor's block. */
export const OPEN_HERE_WORD = 14;
/** How often a client was not read from, or was closed, for what all of them hold. */
export const MEMORY_HOLDS = 8;
export const MEMORY_CLOSES = 9;
/** Clients turned away to keep descriptors for what the server itself needs. */
export const OUT_OF_DESCRIPTORS_HERE = 10;
/** Clients that were told of the death of their worker, by what they were told. */
export const ENDED_502 = 11;
export const ENDED_503 = 12;
export const ENDED_BY_CLOSE = 13;
export const ENDED_BY_RESET = 14;
export const ENDED_BY_RESTART = 15;
/** Requests that were given to another worker, and of those the ones that have ended that one as well. */
export const RETRIED = 16;
export const GIVEN_UP = 17;
/** When its loop has turned last, of those that are looked at each second: whole milliseconds of the machine's monotonic clock. */
export const TURNED_AT = 18;
/** Connections that are closed, by the index of why in CLOSE_CAUSES: 16 at most. */
export const CLOSED_FOR = 3 * LINE;
/** For each listener, from here on, a cache line each. */
export const LISTENERS = 5 * LINE;
export const LISTENER_LENGTH = LINE;
export const LISTENER_ACCEPTED = 0;
export const LISTENER_REFUSED = 1;
export const LISTENER_CLOSED = 2;
export const MESSAGES_IN = 3;
export const MESSAGES_OUT = 4;
export const BYTES_IN = 5;
export const BYTES_OUT = 6;
/** For each worker, from `workersAt` on. */
export const WORKER_LENGTH = 3;
export const DISPATCHED = 0;
export const IN_FLIGHT_RESET = 1;
export const CONNECTIONS = 2;

export const PID = 0;
/** Which process has said last that it is ready; of the process before the one in PID, while that starts. */
export const READY_PID = 1;
export const REQUESTS = 2;
export const RESPONSES = 3;
export const TASKS = 4;
export const TASKS_AT_HAND = 5;
export const TASKS_COMPLETED = 6;
export const TASKS_FAILED = 7;
export const GARBAGE = 6;
export const ORPHANS_FAILED = 7;
/** Which process counts in BEAT, whose loop turns as long as that grows; 0: none does. */
export const BEAT_PID = LINE;
export const BEAT = LINE + 1;
/** 1: a debugger may keep it. */
export const DEBUGGED = LINE + 2;
/** When BEAT was counted last, in milliseconds of the machine's monotonic clock, and how late that was. */
export const BEAT_AT = LINE + 3;
export const LOOP_DELAY = LINE + 4;
/** How many processes have had the name before the one in PID, how many of them ended with an error, and how the last of those did: see exitNumber. */
export const RESTARTS = LINE + 5;
export const FAILURES = LINE + 6;
export const LAST_EXIT = LINE + 7;
/** How late the loop was lately, in milliseconds: at the 99th percentile. */
export const LOOP_DELAY_P99 = 2 * LINE;
/** In a task worker, while TASKS_AT_HAND is 1: which task it has begun last (its place in the option `tasks`, from 2; 1: one for the event `task`; 0: another), and when, in milliseconds since 1970. */
export const TASK_RUNNING = 2 * LINE + 1;
export const TASK_SINCE = 2 * LINE + 2;
/** What it has published, what of others' and its own its subscribers have got, and what was dropped of what it has published. */
export const PUBLISHED = 2 * LINE + 3;
export const DELIVERED = 2 * LINE + 4;
export const DROPPED_MESSAGES = 2 * LINE + 5;
/** Of the process that has the bus, where PUBLISHED and DELIVERED are what has gone to the bus and come from there. */
export const BUS_DROPPED = 2 * LINE + 6;
export const BUS_RECONNECTS = 2 * LINE + 7;
/** What the process of ORDER_PID is asked, counted by the master; see DIAGNOSES for the kinds. */
export const ORDER = 3 * LINE;
export const ORDER_KIND = 3 * LINE + 1;
export const ORDER_PID = 3 * LINE + 2;
/** Which order has been answered, how, and how many bytes of the answer file that takes. */
export const ANSWERED_ORDER = 3 * LINE + 3;
export const ANSWER_STATE = 3 * LINE + 4;
export const ANSWER_BYTES = 3 * LINE + 5;
/**
 * Of a process that has a connection to an engine of tasks: when it wrote this, in milliseconds since 1970; whether it is connected; and what
 * the engine has said last of its queue, which is of all servers and pools on it.
 */
export const ENGINE_AT = 4 * LINE;
export const ENGINE_CONNECTED = 4 * LINE + 1;
export const ENGINE_WAITING = 4 * LINE + 2;
export const ENGINE_DELAYED = 4 * LINE + 3;
export const ENGINE_RUNNING = 4 * LINE + 4;
export const ENGINE_HOSTS = 4 * LINE + 5;
export const ENGINE_DISCONNECTS = 4 * LINE + 6;
/** Of one that asks it: attempts beyond the first of tasks that were answered, answers that were looked up, tasks that the engine had lost. */
export const REMOTE_RETRIED = 5 * LINE;
export const REMOTE_LOOKED_UP = 5 * LINE + 1;
export const REMOTE_LOST = 5 * LINE + 2;
/** Of the task broker: see RemoteHostStats. */
export const HOST_RUNNING = 5 * LINE + 3;
export const HOST_SLOTS = 5 * LINE + 4;
export const HOST_SETTLED = 5 * LINE + 5;
export const HOST_LOST = 5 * LINE + 6;
export const HOST_AGAIN = 5 * LINE + 7;
export const HOST_CANCELLED = 6 * LINE;
export const HOST_STALLED = 6 * LINE + 1;
/** The process that waits for the end of the one in PID, or has done so a second ago; 0: none does. */
export const STANDBY_PID = 6 * LINE + 2;
/** For each reactor thread, from here on. */
export const DONE = 7 * LINE;

export interface CountersShape {
  readonly reactors: number;
  readonly listeners: number;
  readonly workers: number;
  readonly processes: number;
}

const lines = (doubles: number) => Math.ceil(doubles / LINE) * LINE;

/** Where a reactor's block tells of a listener. */
export const listenerAt = (listener: Unchecked<ListenerIndex>): number =>
  LISTENERS + listener * LISTENER_LENGTH;
/** Where it tells of its workers. */
export const workersAt = ({ listeners }: CountersShape): number => listenerAt(listeners);

const reactorLength = (shape: CountersShape) => workersAt(shape) + lines(WORKER_LENGTH * shape.workers);
const processLength = ({ reactors }: CountersShape) => DONE + lines(reactors);

export function reactorAt(shape: CountersShape, reactor: Unchecked<ReactorIndex>): number {
  return FIRST_REACTOR + reactor * reactorLength(shape);
}

export function processAt(shape: CountersShape, process: number): number {
  return reactorAt(shape, shape.reactors) + process * processLength(shape);
}

export function countersBytes(shape: CountersShape): number {
  return processAt(shape, shape.processes) * 8;
}
