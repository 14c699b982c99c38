import { readFileSync } from 'node:fs';
import type { Plugin } from 'rolldown';
import { library } from '../../rolldown.base.js';
import { bundles } from './rolldown.bundle.js';

/** The page of the admin interface, as its package has built it: what is published of it is here. */
const dashboard: Plugin = {
  name: 'dashboard',
  generateBundle() {
    for (const file of ['index.html', 'app.js', 'app.css', 'icon.svg'])
      this.emitFile({
        type: 'asset',
        fileName: `dashboard/${file}`,
        source: readFileSync(new URL(`../dashboard/dist/${file}`, import.meta.url)),
      });
  },
};

const config = library(
  [
    'index',
    'metrics',
    'program',
    'resumable',
    'testing',
    'topics',
    'reactor/reactor-thread',
    'log/output-thread',
    // Roles: a process loads its own alone, see take-role.ts and warm-up.ts.
    'master/master',
    'manager/manager',
    'worker/worker',
    'worker/served-sessions',
    'base/own-reactor',
    'programs/listen-capture',
    'tasks/task-worker',
    'worker/user-process',
    'services/service-process',
    'services/service-role',
    'admin/admin-process',
    'admin/admin',
  ],
  ['valibot', '@valibot/to-json-schema'],
  // The server waits for its role when it is loaded, and loads roles while it does: these must not need its file.
  // A thread that has the bundle loads nothing else to find that.
  { apart: /\/src\/api\/server\.ts$/, first: /\/src\/bundle\/bundle-facts\.ts$/ },
);

export default [{ ...config, plugins: [config.plugins, dashboard] }, ...bundles];
