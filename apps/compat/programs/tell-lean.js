// Loaded before a program (`NODE_OPTIONS=--import=…`): has the first request that the engine which is lean reads in a process say so. By
// this line the tests know that no other engine, and no other process, has answered them.
import { isMainThread } from 'node:worker_threads';
import { LeanServer } from '@millrace/http';

if (isMainThread) {
  const { requested } = LeanServer.prototype;
  LeanServer.prototype.requested = function requestedFirst(...args) {
    LeanServer.prototype.requested = requested;
    console.log(`lean has read a request in ${process.title}`);
    requested.apply(this, args);
  };
}
