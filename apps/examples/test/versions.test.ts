import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../../../', import.meta.url));

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const manifests = ['packages', 'apps']
  .flatMap((group) => readdirSync(join(TOP, group)).map((name) => join(TOP, group, name, 'package.json')))
  .filter((file) => existsSync(file))
  .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Manifest)
  .filter(({ private: isPrivate }) => isPrivate !== true);
const versions = new Map(manifests.map(({ name, version }) => [name, version]));

test('a package that is published needs those of the house in exactly the versions that it was built with', () => {
  expect(versions.size).toBeGreaterThan(10);
  for (const { name, dependencies = {} } of manifests)
    for (const [needed, range] of Object.entries(dependencies))
      if (versions.has(needed)) expect(range, `${needed} of ${name}`).toBe(versions.get(needed));
});
