import { defineTasks } from '@millrace/task-pool';

export const tasks = defineTasks({ double: (n: number) => n * 2 });
