import assert from 'node:assert/strict';
import { BrokerError, engineTransport, type TaskEngine, VALUE_LIMIT } from '@millrace/task-broker';
import { engineContract, poolContract } from '@millrace/task-broker/contract';

assert.equal(VALUE_LIMIT, 262_144);
assert.ok(engineContract.length > 10 && poolContract.length > 10);
const engine = { name: 'none' } as TaskEngine;
assert.throws(() => engineTransport(engine, { sweepEvery: 0 }), BrokerError);
