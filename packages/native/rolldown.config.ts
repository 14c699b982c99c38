import { library, programs } from '../../rolldown.base.js';

// What builds and packs this package is run from its bundle, and is not published.
export default [
  library(['index', 'syscalls', 'internal']),
  programs(['build-addon', 'place-prebuild', 'prebuild-all'], 'scripts', 'dist-scripts'),
];
