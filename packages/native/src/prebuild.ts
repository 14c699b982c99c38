import { fileURLToPath } from 'node:url';

/**
 * Where a published package has the binaries for this kind of machine: for glibc, and for musl (Alpine). Which of the two
 * it is, the dynamic linker knows: it refuses the other. Asking Node for its report would take longer than to try.
 */
export function prebuilds(): [glibc: string, musl: string] {
  const of = (libc: string) =>
    fileURLToPath(
      new URL(
        `../prebuilds/${process.platform}-${process.arch}-${libc}/millrace_native.node`,
        import.meta.url,
      ),
    );
  return [of('glibc'), of('musl')];
}
