import { fromParent } from '@millrace/pipe-ipc';

const parent = fromParent<number, { n: number }>();
for await (const { n } of parent) parent.send(n * 2);
