/** The same tasks in processes that have a store of large values. */
export { tasks } from './contract-tasks.js';
export { fileStore as largeValues } from './file-store.js';
