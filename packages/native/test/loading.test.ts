import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

test('without a binary, the error says what was tried and what to install', () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-native-'));
  try {
    cpSync(fileURLToPath(new URL('../dist', import.meta.url)), join(directory, 'dist'), { recursive: true });
    cpSync(fileURLToPath(new URL('../package.json', import.meta.url)), join(directory, 'package.json'));
    symlinkSync(
      fileURLToPath(new URL('../../../node_modules', import.meta.url)),
      join(directory, 'node_modules'),
    );
    const program = `import(${JSON.stringify(join(directory, 'dist/index.js'))}).catch(({ code, message }) => console.log(code, message))`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });
    expect(stdout).toMatch(/^ERR_MILLRACE_ADDON_MISSING The addon of @millrace\/native could not be loaded/);
    expect(stdout).toContain(join(directory, 'prebuilds'));
    expect(stdout).toContain('apt-get install g++ make python3');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
