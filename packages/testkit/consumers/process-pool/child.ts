import { inherit } from '@millrace/process-pool';

const me = inherit();
for await (const n of me?.pipe<number, number>().ref() ?? []) me?.write(n * 2);
