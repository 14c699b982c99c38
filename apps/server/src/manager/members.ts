import type { Member, MemberSpec } from '@millrace/process-pool';
import type { ToWorker } from '../contract/control-messages.js';
import type { PeerId, ProcessRole } from '../contract/ids.js';
import type { RoleAssignment } from '../contract/role.js';
import { flatId } from '../links/process-kinds.js';
import type { Topology } from '../links/topology.js';

/** A process that has its place, with its flat id. */
export interface ServingMember {
  readonly member: Member;
  readonly id: PeerId;
  readonly pid: number;
}

export const assignmentOf = ({ spec }: { readonly spec: MemberSpec }): RoleAssignment =>
  spec.data as RoleAssignment;

/** The members of the manager's pool by role and by flat id. */
export class Members {
  readonly #all: { readonly members: readonly Member[] };
  readonly #topology: Topology;
  readonly #holder: (member: Member) => number | undefined;

  /** `holder`: the process that has the place of a member. */
  constructor(
    all: { readonly members: readonly Member[] },
    topology: Topology,
    holder: (member: Member) => number | undefined,
  ) {
    this.#all = all;
    this.#topology = topology;
    this.#holder = holder;
  }

  get all(): readonly Member[] {
    return this.#all.members;
  }

  peerOf(member: { readonly spec: MemberSpec }): PeerId {
    const { role, id } = assignmentOf(member);
    return flatId(role, this.#topology, id);
  }

  byPeer(peer: PeerId): Member | undefined {
    return this.all.find((member) => this.peerOf(member) === peer);
  }

  of(...roles: readonly ProcessRole[]): Member[] {
    return this.all.filter((member) => roles.includes(assignmentOf(member).role));
  }

  /** Those that have their place. */
  serving(...roles: readonly ProcessRole[]): ServingMember[] {
    return this.of(...roles).flatMap((member) => {
      const pid = this.#holder(member);
      return pid === undefined ? [] : [{ member, id: this.peerOf(member), pid }];
    });
  }

  /** Has the process that SIGTERM has come to end, and returns its member; undefined where it is none of these. */
  terminate(pid: number): Member | undefined {
    const has = ({ pid: present, drainingPids, standbyPid, starting }: Member) =>
      present === pid ||
      standbyPid === pid ||
      drainingPids.includes(pid) ||
      starting.some((next) => next.pid === pid);
    const member = this.all.find(has);
    member?.sendAll({ type: 'terminate', pid } satisfies ToWorker);
    return member;
  }
}
