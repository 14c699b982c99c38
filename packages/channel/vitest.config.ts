import { packageTests } from '@millrace/testkit/vitest';

export default packageTests({
  pure: [
    'test/{arguments,codec}/*.test.ts',
    'test/memory/copying.test.ts',
    'test/transport/transport-channel.test.ts',
  ],
});
