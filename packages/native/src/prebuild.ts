import { fileURLToPath } from 'node:url';

/** `musl` where Node was linked against it (Alpine), `glibc` elsewhere. */
function libc(): 'glibc' | 'musl' {
  const header = (process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined)
    ?.header;
  return header?.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
}

/** Where a published package has the binary for this machine. */
export function prebuildOf(): string {
  const name = `${process.platform}-${process.arch}-${libc()}`;
  return fileURLToPath(new URL(`../prebuilds/${name}/millrace_native.node`, import.meta.url));
}
