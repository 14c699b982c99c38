import { packageTests } from '@millrace/testkit/vitest';

export default packageTests({
  pure: [
    'test/lock/steps.test.ts',
    'test/ring/{death,fuzz}.test.ts',
    'test/table/{conformance,races,room,steps,table}.test.ts',
  ],
});
