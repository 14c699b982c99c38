import { pipeFromParent } from '@millrace/pipe-ipc';

const parent = pipeFromParent<number, { n: number }>();
for await (const { n } of parent) parent.send(n * 2);
