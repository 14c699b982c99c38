import { packageTests } from '@millrace/testkit/vitest';
import type { ViteUserConfig } from 'vitest/config';

const { test: packaged } = packageTests();

/** One project for each way to start; `src/start.ts` reads `env`. Each is compared with plain node, and so is plain node itself. */
const project = (name: string, groupOrder: number, files: string, env: Record<string, string>) => ({
  test: { ...packaged, name, include: [`test/${files}.test.ts`], sequence: { groupOrder }, env },
});

const config: ViteUserConfig = {
  test: {
    ...packaged,
    projects: [
      project('plain', 0, '{chaos,desync,programs}', { COMPAT_START: 'plain' }),
      project('process', 1, '{desync,differences,http2,https,kills,programs,rfc6455,young}', {
        COMPAT_START: 'millrace',
        COMPAT_MODE: 'process',
      }),
      project('lean', 5, '{desync,kills,programs,rfc6455}', { COMPAT_START: 'lean', COMPAT_WORKERS: '2' }),
      // Installed and built by `npm run test:apps`, and run by that alone.
      ...(process.env.COMPAT_LARGE === undefined
        ? []
        : [
            project('large-process', 3, 'large', { COMPAT_START: 'millrace', COMPAT_MODE: 'process' }),
            project('large-base', 4, 'large', { COMPAT_START: 'millrace', COMPAT_MODE: 'base' }),
          ]),
      project('base', 2, '{base-endings,desync,differences,http2,programs,rfc6455,young}', {
        COMPAT_START: 'millrace',
        COMPAT_MODE: 'base',
      }),
    ],
  },
};

export default config;
