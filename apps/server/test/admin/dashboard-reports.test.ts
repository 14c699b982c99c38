import type * as dashboard from '@millrace/dashboard/reports';
import { expectTypeOf, test } from 'vitest';
import type * as admin from '../../src/admin/schemas.js';
import type * as work from '../../src/admin/work-schemas.js';

test('what the dashboard reads is what the admin interface tells', () => {
  expectTypeOf<admin.StatusReport>().toExtend<dashboard.Status>();
  expectTypeOf<admin.ProcessReport>().toExtend<dashboard.ProcessReport>();
  expectTypeOf<admin.ListenerReport>().toExtend<dashboard.Listener>();
  expectTypeOf<admin.ConnectionReport>().toExtend<dashboard.Connection>();
  expectTypeOf<admin.ProcessEvent>().toExtend<dashboard.ProcessEvent>();
  expectTypeOf<admin.ScaleLine>().toExtend<dashboard.ScaleLine>();
  expectTypeOf<admin.ReloadLine>().toExtend<dashboard.ReloadLine>();
  expectTypeOf<work.TasksReport>().toExtend<dashboard.TasksReport>();
  expectTypeOf<work.QueueReport>().toExtend<dashboard.QueueReport>();
  expectTypeOf<work.TableReport>().toExtend<dashboard.TableReport>();
  expectTypeOf<admin.HistoryReport>().toExtend<dashboard.History<keyof admin.HistoryReport['series']>>();
});
