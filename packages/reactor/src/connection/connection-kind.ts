import { checkHandlers, checkOptions } from '@millrace/channel';
import { FrameInput } from '../framing/frame-input.js';
import type { Framer } from '../framing/framer.js';
import { Spares } from '../framing/spares.js';
import type { Reactor } from '../loop/reactor.js';
import type { AddOptions } from '../loop/watch.js';
import { MemoryUse } from '../output/memory-use.js';
import type { Connection } from './connection.js';
import {
  CONNECTION_HANDLERS,
  CONNECTION_OPTIONS,
  type ConnectionHandlers,
  type ConnectionOptions,
  framerOf,
  type OutputLimits,
  outputLimits,
  turnShare,
} from './connection-options.js';
import { Turn, type TurnShare } from './turn-share.js';

/**
 * What all connections with the same options share, so that one that is idle is small: `new Connection(reactor, fd,
 * kind, context)`. A connection has an input of its own only while there is something in it.
 */
export class ConnectionKind<Context = undefined> {
  readonly reactor: Reactor;
  readonly handlers: ConnectionHandlers<Context>;
  readonly limits: OutputLimits;
  readonly framer: Framer;
  readonly inputs: Spares<FrameInput>;
  readonly use: MemoryUse;
  readonly share: TurnShare;
  /** Of the connection whose input is being cut. */
  readonly turn: Turn;
  /** By descriptor. */
  readonly connections: (Connection<Context> | undefined)[] = [];
  /** What watches the descriptors, once there is one. */
  watch: AddOptions | undefined = undefined;

  /** Throws `ERR_MILLRACE_REACTOR_OPTION` or `ERR_MILLRACE_FRAMING`. */
  constructor(reactor: Reactor, options: Omit<ConnectionOptions<Context>, 'context'>) {
    checkOptions(options, CONNECTION_OPTIONS, 'A connection');
    checkHandlers(options.handlers, CONNECTION_HANDLERS, 'a connection');
    this.reactor = reactor;
    this.handlers = options.handlers;
    this.limits = outputLimits(options);
    this.framer = framerOf(options);
    const memory = options.readMemory ?? reactor.readMemory;
    this.use = options.memory ?? new MemoryUse();
    this.share = turnShare(options);
    this.turn = new Turn(this.share);
    this.inputs = new Spares(() => new FrameInput(this.framer, memory, this.use));
  }

  /** After a read: `input` where there is something in it, else nothing, and it is the next one's. */
  keep(input: FrameInput): FrameInput | undefined {
    if (!input.empty) return input;
    this.inputs.give(input);
    return undefined;
  }
}
