import { packageTests } from '@millrace/testkit/vitest';

export default packageTests();
