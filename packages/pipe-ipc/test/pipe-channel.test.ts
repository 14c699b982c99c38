import { channelContract } from '@millrace/channel/contract';
import { createPipe, openPipe } from '../src/index.js';

channelContract('a pipe', {
  endsWithPeer: true,
  create(codec, options) {
    const pipe = createPipe();
    const left = openPipe(pipe.left, { codec: codec(), ...options });
    const right = openPipe(pipe.right, { codec: codec(), ...options });
    return { left, right, dispose: () => {} };
  },
});
