/**
 * With `MILLRACE_TEST_LOG=full` every server of the suites has its log on /dev/full, which refuses each line: all of them
 * hold there, but for the tests named here, which wait for what a line of the log says, or have a log of their own.
 */
import { beforeEach } from 'vitest';

/** File, and in it the beginnings of the names; by what they want of the log. */
const READERS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {};

beforeEach(({ task, skip }) => {
  if (process.env.MILLRACE_TEST_LOG !== 'full') return;
  for (const [why, files] of Object.entries(READERS))
    for (const [file, names] of Object.entries(files))
      if (task.file.name.endsWith(`/${file}.test.ts`) && names.some((name) => task.name.startsWith(name)))
        skip(why);
});
