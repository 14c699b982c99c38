import type * as dashboard from '@millrace/dashboard/reports';
import { expectTypeOf, test } from 'vitest';
import type * as admin from '../../src/admin/schemas.js';

test('what the dashboard reads is what the admin interface tells', () => {
  expectTypeOf<admin.StatusReport>().toExtend<dashboard.Status>();
  expectTypeOf<admin.ProcessReport>().toExtend<dashboard.ProcessReport>();
  expectTypeOf<admin.ListenerReport>().toExtend<dashboard.Listener>();
  expectTypeOf<admin.ConnectionReport>().toExtend<dashboard.Connection>();
  expectTypeOf<admin.ProcessEvent>().toExtend<dashboard.ProcessEvent>();
  expectTypeOf<admin.ReloadLine>().toExtend<dashboard.ReloadLine>();
  expectTypeOf<admin.HistoryReport>().toExtend<dashboard.History<keyof admin.HistoryReport['series']>>();
});
