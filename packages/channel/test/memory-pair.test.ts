import { channelContract } from '../src/contract.js';
import { createMemoryPair } from '../src/index.js';

channelContract('the in-memory pair', {
  endsWithPeer: true,
  create(codec, options) {
    const [left, right] = createMemoryPair(codec, options);
    return { left, right, dispose: () => {} };
  },
});
