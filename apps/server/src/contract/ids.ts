/** What processes of a server are called, and the kinds of numbers that name things in it. */

/** What a process is in the server. */
export type RoleName = 'master' | 'manager' | 'worker' | 'taskWorker' | 'userProcess';

/** The same with those that run nothing of the program: a *service process* holds a connection for all others. */
export type ProcessRole = RoleName | 'service';

/** A process of the server: workers count from 0, task workers go on from there, then user processes. */
export type ProcessId = number | 'manager' | 'master';

declare const KIND: unique symbol;

/** Only the compiler sees the kind of a number: at run time there is nothing but the number. */
interface Kind<Name extends string> {
  readonly [KIND]: { readonly [K in Name]: true };
}

/** Names a connection in the whole server. */
export type SessionId = number & Kind<'session'>;
/** An end of links: a process by its flat id, then the manager, then the master. */
export type PeerId = number & Kind<'peer'>;
/** A worker by its number, which is its flat id as well: so it is a peer. */
export type WorkerId = PeerId & Kind<'worker'>;
/** A listener in the order of `addListener`; 0 is the server's own. Not the number of a port. */
export type ListenerIndex = number & Kind<'listener'>;
/** A reactor thread; in base mode a worker as the reactor of its own clients. */
export type ReactorIndex = number & Kind<'reactor'>;

/** A number of that kind or a plain one, as users and tests give it, but never one of another kind. */
export type Unchecked<Id extends Kind<string>> = number & Partial<Pick<Id, typeof KIND>>;

/**
 * Say of a number what kind it is, where it comes without one: the index of an array, a word of shared memory, an id that has
 * been checked. They check nothing.
 */
export const asSession = (id: Unchecked<SessionId>) => id as SessionId;
export const asPeer = (index: Unchecked<PeerId>) => index as PeerId;
export const asWorker = (index: Unchecked<WorkerId>) => index as WorkerId;
export const asListener = (index: Unchecked<ListenerIndex>) => index as ListenerIndex;
export const asReactor = (index: Unchecked<ReactorIndex>) => index as ReactorIndex;

/** The reactor that a session's id names. */
export const reactorOf = (session: Unchecked<SessionId>, reactors: number) =>
  (session % reactors) as ReactorIndex;
/** The reactor that serves a listener for datagrams, in process mode. */
export const reactorOfListener = (listener: Unchecked<ListenerIndex>, reactors: number) =>
  (listener % reactors) as ReactorIndex;
/** In base mode: the reactor that a worker is, and the worker that is that reactor. */
export const reactorOfWorker = (worker: WorkerId) => worker as number as ReactorIndex;
export const workerOfReactor = (reactor: ReactorIndex) => reactor as number as WorkerId;
