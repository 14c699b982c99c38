/** The module that a reactor thread runs: blocks in epoll until it is told to stop. */
import { workerData } from 'node:worker_threads';
import { Reactor } from '@millrace/reactor';
import { type ReactorThreadData, Traffic } from './traffic.js';

const reactor = new Reactor({ mode: 'blocking' });
const traffic = new Traffic(reactor, workerData as ReactorThreadData);
reactor.run();
traffic.close();
reactor.close();
