import { inherit } from '@millrace/process-pool';

const me = inherit();
for await (const n of me?.pipe<number, number>() ?? []) me?.write(n * 2);
