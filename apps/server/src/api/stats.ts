import type { QueueAddress } from '@millrace/task-pool';
import { queueState } from '@millrace/task-pool/internal';
import type { CloseCounts } from '../contract/close-causes.js';
import { askersOf, isWorker, peerOfAsker } from '../links/task-topology.js';
import { peerOfFlatId, servicePeer, type Topology } from '../links/topology.js';
import type { Counters } from '../shared/counters.js';
import * as layout from '../shared/counters-layout.js';
import { engineStats } from './engine-stats.js';

/** What the server has counted since its start, read from shared memory by any process. Times as in `Date.now()`. */
export interface ServerStats {
  readonly startTime: number;
  /** Clients that are connected. */
  readonly connectionNum: number;
  readonly acceptCount: number;
  readonly closeCount: number;
  /** How many of those were closed for what. */
  readonly closeCounts: CloseCounts;
  /** Clients turned away because there were `maxConnections`. */
  readonly abortCount: number;
  /** Clients turned away because the descriptors that are left are kept back (`reservedDescriptors`). */
  readonly descriptorAbortCount: number;
  readonly workerNum: number;
  readonly taskWorkerNum: number;
  readonly userWorkerNum: number;
  /** Workers with no message under way. */
  readonly idleWorkerNum: number;
  /** Messages sent to workers, messages that workers have got, and answers of all processes. */
  readonly dispatchCount: number;
  readonly requestCount: number;
  readonly responseCount: number;
  /** Messages that have been sent to workers and are not finished. */
  readonly concurrency: number;
  /** Bytes of clients' messages, without what framing takes off; and of answers. */
  readonly totalRecvBytes: number;
  readonly totalSendBytes: number;
  /** Datagrams that were dropped, for a worker that did not keep up or a kernel without room. */
  readonly droppedPackets: number;
  /** How often a client had `maxClientMessages` or `maxClientBytes` under way, and was not read from for a while. */
  readonly clientHoldCount: number;
  /** Bytes that the server holds for all clients together, see `maxClientMemory`. */
  readonly clientMemory: number;
  /** How often a client was not read from for a while, and how many clients were closed, for what all of them held. */
  readonly clientMemoryHoldCount: number;
  readonly clientMemoryCloseCount: number;
  /** Requests that were in hand when their worker died, answered 502; and those that no worker took in time, answered 503. */
  readonly badGatewayCount: number;
  readonly unavailableCount: number;
  /** With `retryRequests`: those given to another worker, and of them those that ended that one as well, which were answered 502. */
  readonly retriedRequestCount: number;
  readonly givenUpRequestCount: number;
  /**
   * Connections that ended with their worker: reset in the middle of an answer, or of what only that process knew; closed behind
   * their last answer; WebSockets that were closed with code 1012.
   */
  readonly deathResetCount: number;
  readonly deathCloseCount: number;
  readonly deathRestartCount: number;
  /** Lines of the log, of all processes, that could not be written. */
  readonly lostLogLines: number;
  /** Tasks that were asked for by any process, and those that have been answered, with a result or an error. */
  readonly taskCount: number;
  readonly taskCompletedCount: number;
  readonly taskFailedCount: number;
  /** Tasks that have not begun; tasks that run. With an engine: tasks of this server that have no answer, less those that its task workers run. */
  readonly taskingNum: number;
  readonly taskRunningNum: number;
  /** Task workers that run none. */
  readonly taskIdleWorkerNum: number;
  /** With a queue of the system: messages in it, of all senders, and their bytes. */
  readonly taskQueueNum?: number;
  readonly taskQueueBytes?: number;
  /** Of what was found in it: messages that were no tasks, and tasks of others that failed, which are reported to no sender. */
  readonly taskGarbageCount?: number;
  readonly taskOrphanFailedCount?: number;
  /** What processes have published; what has come to subscribers, counted by processes; and what was dropped for a process that did not keep up. */
  readonly publishCount: number;
  readonly deliverCount: number;
  readonly droppedPublications: number;
  /**
   * With a `bus`: publications that it has taken, that have come from other servers, and that were dropped, since it was away or slow; and how
   * often it was connected again.
   */
  readonly busPublishCount?: number;
  readonly busDeliverCount?: number;
  readonly busDroppedCount?: number;
  readonly busReconnectCount?: number;
  /**
   * With an engine as `taskTransport`: whether it is connected; what it has said lately of its queue, whichever server or pool asks and runs: tasks
   * that wait, are delayed, and run, and the hosts that run them; and how often connections of this server to it were lost.
   */
  readonly engineConnected?: boolean;
  readonly engineWaitingNum?: number;
  readonly engineDelayedNum?: number;
  readonly engineRunningNum?: number;
  readonly engineHostNum?: number;
  readonly engineDisconnectCount?: number;
  /** Of tasks that this server has asked it for: attempts beyond the first, answers that were looked up, tasks that it had lost. */
  readonly remoteRetryCount?: number;
  readonly remoteLookUpCount?: number;
  readonly remoteLostCount?: number;
  /**
   * With task workers, which are a host of the engine: tasks of it that run here, and may; those that were run to an end, were lost to another host, were
   * given back for another attempt, and were cancelled; and claims of any host that this one found not renewed.
   */
  readonly hostRunningNum?: number;
  readonly hostSlotNum?: number;
  readonly hostSettledCount?: number;
  readonly hostLostCount?: number;
  readonly hostAgainCount?: number;
  readonly hostCancelCount?: number;
  readonly hostStallCount?: number;
  /** The session id given out last. */
  readonly sessionRound: number;
  /** In a worker: the same for it alone. */
  readonly workerRequestCount?: number;
  readonly workerResponseCount?: number;
  readonly workerDispatchCount?: number;
  readonly workerConcurrency?: number;
}

/** `id`: what users call the process that asks, where that is below the manager. */
export function serverStats(counters: Counters, topology: Topology, id: number | undefined): ServerStats {
  const { workers, taskWorkers, taskQueue, userProcesses } = topology;
  const peer = id === undefined ? undefined : peerOfFlatId(topology, id);
  const worker = peer !== undefined && isWorker(topology, peer) ? peer : undefined;
  const workerNum = counters.server(layout.WORKER_NUM);
  const taskWorkerNum = counters.server(layout.TASK_WORKER_NUM);
  const workerIds = Array.from({ length: workers }, (_, id) => id);
  const underWay = workerIds.map((id) => counters.underWay(id));
  const ofProcess = (id: number, counter: number) => counters.ofProcess(id, counter);
  const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);
  const processes = Array.from({ length: counters.shape.processes }, (_, id) => id);
  const ofAll = (counter: number) => sum(processes.map((id) => ofProcess(id, counter)));
  const busPeer = servicePeer(topology, 'bus');
  const ofBus = (counter: number) => (busPeer === undefined ? 0 : ofProcess(busPeer, counter));
  const acceptCount = counters.server(layout.ACCEPTED) + counters.ofReactors(layout.ACCEPTED_HERE);
  const closeCount = counters.ofReactors(layout.CLOSED);
  const ofWorkers = (counter: number) => sum(workerIds.map((id) => ofProcess(id, counter)));
  const askers = Array.from({ length: askersOf(topology) }, (_, asker) => peerOfAsker(topology, asker));
  const ofAskers = (counter: number) => sum(askers.map((peer) => ofProcess(peer, counter)));
  const taskWorkerIds = Array.from({ length: taskWorkers }, (_, id) => id);
  const running = taskWorkerIds.map((id) => ofProcess(workers + id, layout.TASKS_AT_HAND));
  const ofTaskWorkers = (counter: number) => sum(taskWorkerIds.map((id) => ofProcess(workers + id, counter)));
  const own =
    worker === undefined
      ? {}
      : {
          workerRequestCount: ofProcess(worker, layout.REQUESTS),
          workerResponseCount: ofProcess(worker, layout.RESPONSES),
          workerDispatchCount: counters.ofWorker(worker, layout.DISPATCHED),
          workerConcurrency: underWay[worker] as number,
        };
  return {
    startTime: counters.server(layout.START_TIME),
    connectionNum: Math.max(0, acceptCount - closeCount),
    acceptCount,
    closeCount,
    closeCounts: counters.closeCounts(),
    abortCount: counters.server(layout.TURNED_AWAY) + counters.ofReactors(layout.TURNED_AWAY_HERE),
    descriptorAbortCount:
      counters.server(layout.OUT_OF_DESCRIPTORS) + counters.ofReactors(layout.OUT_OF_DESCRIPTORS_HERE),
    workerNum,
    taskWorkerNum,
    userWorkerNum: userProcesses - topology.services.length,
    idleWorkerNum: underWay.slice(0, workerNum).filter((messages) => messages === 0).length,
    dispatchCount: sum(workerIds.map((id) => counters.ofWorker(id, layout.DISPATCHED))),
    requestCount: ofWorkers(layout.REQUESTS),
    responseCount: ofAll(layout.RESPONSES),
    concurrency: sum(underWay),
    totalRecvBytes: counters.ofListeners(layout.BYTES_IN),
    totalSendBytes: counters.ofListeners(layout.BYTES_OUT),
    droppedPackets: counters.ofReactors(layout.DROPPED_PACKETS),
    clientHoldCount: counters.ofReactors(layout.HELD_BACK),
    clientMemory: counters.ofReactors(layout.MEMORY),
    clientMemoryHoldCount: counters.ofReactors(layout.MEMORY_HOLDS),
    clientMemoryCloseCount: counters.ofReactors(layout.MEMORY_CLOSES),
    badGatewayCount: counters.ofReactors(layout.ENDED_502),
    unavailableCount: counters.ofReactors(layout.ENDED_503),
    retriedRequestCount: counters.ofReactors(layout.RETRIED),
    givenUpRequestCount: counters.ofReactors(layout.GIVEN_UP),
    deathResetCount: counters.ofReactors(layout.ENDED_BY_RESET),
    deathCloseCount: counters.ofReactors(layout.ENDED_BY_CLOSE),
    deathRestartCount: counters.ofReactors(layout.ENDED_BY_RESTART),
    lostLogLines: counters.lostLogLines,
    taskCount: ofAskers(layout.TASKS),
    taskCompletedCount: ofAskers(layout.TASKS_COMPLETED),
    taskFailedCount: ofAskers(layout.TASKS_FAILED),
    taskingNum: Math.max(0, ofAskers(layout.TASKS_AT_HAND) - sum(running)),
    taskRunningNum: sum(running),
    taskIdleWorkerNum: running.slice(0, taskWorkerNum).filter((tasks) => tasks === 0).length,
    ...queueStats(taskQueue, ofTaskWorkers),
    publishCount: ofAll(layout.PUBLISHED) - ofBus(layout.PUBLISHED),
    deliverCount: ofAll(layout.DELIVERED) - ofBus(layout.DELIVERED),
    droppedPublications: ofAll(layout.DROPPED_MESSAGES),
    ...(busPeer !== undefined && {
      busPublishCount: ofBus(layout.PUBLISHED),
      busDeliverCount: ofBus(layout.DELIVERED),
      busDroppedCount: ofBus(layout.BUS_DROPPED),
      busReconnectCount: ofBus(layout.BUS_RECONNECTS),
    }),
    ...(topology.taskEngine !== undefined && engineStats(counters, topology)),
    sessionRound: Math.max(counters.server(layout.LAST_SESSION), ...counters.lastSessions()),
    ...own,
  };
}

function queueStats(queue: QueueAddress | undefined, ofTaskWorkers: (counter: number) => number) {
  if (queue === undefined) return {};
  const state = queueState(queue);
  return {
    taskQueueNum: state?.messages ?? 0,
    taskQueueBytes: state?.bytes ?? 0,
    taskGarbageCount: ofTaskWorkers(layout.GARBAGE),
    taskOrphanFailedCount: ofTaskWorkers(layout.ORPHANS_FAILED),
  };
}
