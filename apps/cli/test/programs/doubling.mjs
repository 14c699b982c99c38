import { defineTasks } from '@millrace/task-pool';

export const tasks = defineTasks({ double: (number) => 2 * number });
