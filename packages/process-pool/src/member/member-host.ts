import type { Incarnation } from '../launch/incarnation.js';
import type { Exit } from '../launch/restart-policy.js';
import type { LaunchSpec } from '../launch/spec.js';
import type { ToPool } from '../wire/protocol.js';
import type { Member } from './member.js';

export interface MemberEvents {
  /** A process has been given the member's name. */
  spawned(member: Member): void;
  ready(member: Member): void;
  said(member: Member, message: ToPool): void;
  /** A process has ended; `delay` is how long the next waits to start, undefined when there is no next. */
  exit(member: Member, exit: Exit, delay: number | undefined): void;
  gaveUp(member: Member, exit: Exit): void;
}

export interface MemberHost extends MemberEvents {
  /** A process that can be given the name: a spare, or a new one. */
  launch(spec: LaunchSpec, title: string): Incarnation;
  /** What each process of the member is given beyond the descriptors of its spec. */
  descriptors(member: Member): Readonly<Record<string, number>>;
  /** Its processes have changed; there may be one less. */
  changed(member: Member): void;
}
