import { defineTasks } from '@millrace/task-pool';

export const tasks = defineTasks({
  words: (text: string) => text.split(' ').length,
  reversed: (bytes: Buffer) => bytes.reverse(),
});
