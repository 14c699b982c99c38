/** Numbers of the server, with their units and reasons. */

/** Bytes of each ring between a reactor thread and a worker, per direction, by default. */
export const RING_BYTES = 1 << 20;
/** Bytes of each ring between a reactor thread and who is no worker: the master, the manager, task workers. */
export const SMALL_RING_BYTES = 1 << 16;
/** Bytes of the rings between workers and task workers, all together, by default. */
export const TASK_RINGS_BYTES = 64 << 20;
/** Bytes of one of them at most, by default: a quarter, which goes in one piece, is twice 64 KiB. */
export const MAX_TASK_RING_BYTES = 1 << 19;
/** Bytes of one of them at least, by default: a quarter is more than a message that needs no file. */
export const MIN_TASK_RING_BYTES = 1 << 16;
/** Milliseconds after a process has died until the files that it wrote and no process has read are removed. */
export const LEFT_FILES_MS = 60_000;
/** Bytes of memory that a reactor thread reads to; four 64 KiB messages in one system call. */
export const READ_BYTES = 1 << 18;
/** Bytes that wait for a worker beyond its ring before its clients are no longer read from. */
export const LINK_HIGH_WATER = 1 << 16;
/** Bytes that wait for a worker beyond which new clients of it are turned away: it has not read for very long. */
export const LINK_LIMIT = 16 << 20;
/** Bytes beyond `socketBufferSize` that several processes may have on their way to one client before they see that. */
export const OUTPUT_SLACK = 16 << 20;
/** Files that wait for one client beyond which its connection is closed: each is an open descriptor. */
export const MAX_FILES = 64;
/** Milliseconds between two checks of connections that are to be closed and still have output. */
export const LINGER_CHECK_MS = 1_000;
/** Bytes of the longest name of a topic, and of the largest value that is published. */
export const MAX_TOPIC_BYTES = 255;
export const MAX_PUBLICATION_BYTES = 1 << 18;
/** Bytes of publications that wait for the subscribers of the process that published them; what comes beyond is dropped. */
export const PUBLICATIONS_LIMIT = 1 << 20;
/** Bytes of publications that wait for the bus, or for its answer; what comes beyond is dropped. */
export const BUS_LIMIT = 1 << 20;
/** Milliseconds between two looks whether a process of the server subscribes to something else: the bus is asked for it then. */
export const BUS_POLL_MS = 100;
/** Bytes of answers that wait in a worker for a reactor thread, beyond which `send` is an error. */
export const SEND_LIMIT = 64 << 20;
/** A piece of a socket's output of more bytes than this is large: it goes when the link has room for it, and waits in its socket till then. */
export const LARGE_OUTPUT = 1 << 15;
/**
 * Bytes that a reactor thread has not read of a link, beyond which no large piece is added: half of a ring of the default size, so that what is
 * small always finds room there, and waits for less than a millisecond's work.
 */
export const LARGE_OUTPUT_MARK = RING_BYTES / 2;
/** Answers up to this many bytes are gathered with their neighbours to one send. */
export const GATHER_LIMIT = 1 << 13;
/** Bytes of gathered answers that go out in one send. */
export const GATHER_BYTES = 1 << 16;
/** Connections that the kernel completes ahead of accept. */
export const BACKLOG = 512;
/** Most reactor threads by default; beyond, the workers need the processors. */
export const MAX_DEFAULT_REACTORS = 8;
/** Log lines of one kind that are written in a second; the others are counted. */
export const LOG_LINES_PER_SECOND = 10;
/** Bytes of log lines that wait for the reader of a pipe; what comes beyond is dropped and counted. */
export const LOG_BACKLOG_BYTES = 1 << 18;
/** Milliseconds between two checks whether they can be written. */
export const LOG_RETRY_MS = 50;
/** Log lines are cut to this many bytes on their way from a reactor thread. */
export const LOG_LINE_BYTES = 1024;
/** Incarnations of members are counted from here for each incarnation of their manager, so that none comes twice. */
export const INCARNATIONS_PER_MANAGER = 2 ** 20;
/** Bytes of the largest message that a session sends, unless a listener accepts larger ones. */
export const MAX_MESSAGE_BYTES = 64 << 20;
/** Milliseconds between two calls of `workerExit` in a process whose loop something keeps. */
export const WORKER_EXIT_MS = 10;
/** Milliseconds from when all processes are up until the manager loads its log: the start is over by then. */
export const LOAD_LOG_AFTER_MS = 500;
/** Milliseconds beyond `maxWaitTime` after which a process is killed: it may have to say what it waited for. */
export const KILL_GRACE_MS = 500;
/** Milliseconds in which copies of one signal to stop come: `timeout` sends two, npm hands on what a terminal has sent. */
export const SAME_SIGNAL_MS = 500;
/** Milliseconds until SIGTERM to a process below the master, without one to the master, was meant for that one alone. */
export const TERMINATION_GRACE_MS = 250;
/** Milliseconds within which every worker of base mode has to empty what lies between it and a process that has written over it. */
export const LINK_RESET_MS = 2_000;
/** Milliseconds after which a handler that has not settled, or a loop that has not turned, is named in the log. */
export const HANDLER_NAMED_MS = 5_000;
/** The same, for the next time and every other. */
export const HANDLER_NAMED_AGAIN_MS = 60_000;
/** Milliseconds between two looks of the manager at which processes wait for the end of a worker, for others to see. */
export const STANDBYS_SHOWN_MS = 500;
/** Milliseconds between two checks whether what a thread has counted is still in the memory that all processes map. */
export const RESTORE_MS = 1_000;
/** Milliseconds between two signs of life of a worker's loop, and between the manager's checks for them. */
export const HEARTBEAT_MS = 1_000;
/** Listeners of one server: packets name them in one byte. */
export const MAX_PORTS = 256;
/** What processes of the program load first, see bundled-start.ts. Beside the other modules of this directory, and beside them all when they are one. */
export const BUNDLE_LOADER = new URL('../dist/bundle-loader.cjs', import.meta.url);
/** What reads the output of processes, as above. */
export const OUTPUT_THREAD = new URL('../dist/output-thread.js', import.meta.url);
/** What a reactor thread runs, as above. */
export const REACTOR_THREAD = new URL('../dist/reactor-thread.js', import.meta.url);
