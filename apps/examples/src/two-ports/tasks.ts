import { defineTasks } from '@millrace/task-pool';

/** What runs beside the worker, however long it takes. */
export const tasks = defineTasks({
  count: (text: string) => text.split(/\s+/).filter((word) => word !== '').length,
});
