import { packageTests } from '@millrace/testkit/vitest';

export default packageTests({ pure: ['test/{lateness,option-names,property,timers}.test.ts'] });
