import { packageTests } from '@millrace/testkit/vitest';

export default packageTests({ pure: ['test/text/{format,negotiation}.test.ts'] });
