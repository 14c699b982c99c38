import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { bundle } from 'lightningcss';
import type { Plugin, RolldownOptions } from 'rolldown';

const require = createRequire(import.meta.url);

/** What the page is besides its script: a style sheet of ours and uPlot's, the page itself, an icon. */
const assets: Plugin = {
  name: 'assets',
  generateBundle() {
    const charts = readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8');
    const { code } = bundle({
      filename: new URL('src/styles/app.css', import.meta.url).pathname,
      minify: true,
      // Browsers of 2024: light-dark() is left as it is.
      targets: { chrome: 123 << 16, firefox: 120 << 16, safari: (17 << 16) | (5 << 8) },
    });
    this.emitFile({ type: 'asset', fileName: 'app.css', source: `${charts}${code}` });
    for (const fileName of ['index.html', 'icon.svg'])
      this.emitFile({
        type: 'asset',
        fileName,
        source: readFileSync(new URL(`static/${fileName}`, import.meta.url)),
      });
  },
};

const config: RolldownOptions = {
  input: { app: 'src/main.tsx' },
  platform: 'browser',
  transform: { target: 'es2022' },
  plugins: [assets],
  output: { dir: 'dist', minify: true, codeSplitting: false },
};

export default config;
