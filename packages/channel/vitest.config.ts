import { packageTests } from '@millrace/testkit/vitest';

export default packageTests({
  pure: ['test/{arguments,codec,transport,waiting}/*.test.ts', 'test/memory/copying.test.ts'],
});
