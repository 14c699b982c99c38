/**
 * Names, in the environment of the processes below one, which descriptor of which process has the memory of each registry, and the
 * memory's id: `default=4711:23:ab12…;registry-1=4711:24:cd34…`.
 */
export const INHERITANCE_VARIABLE = 'MILLRACE_METRICS';

/** Where the memory of a registry is open. */
export interface Source {
  readonly pid: number;
  readonly fd: number;
  readonly id: string;
}

/** What cannot be read is as if it were not there. */
export function readSources(): Map<string, Source> {
  const sources = new Map<string, Source>();
  for (const entry of (process.env[INHERITANCE_VARIABLE] ?? '').split(';')) {
    const [, name, pid, fd, id] = /^([\w.-]+)=([1-9]\d*):(\d+):([\da-f]{32})$/.exec(entry) ?? [];
    if (name !== undefined) sources.set(name, { pid: Number(pid), fd: Number(fd), id: id as string });
  }
  return sources;
}

export function writeSources(sources: ReadonlyMap<string, Source>): void {
  process.env[INHERITANCE_VARIABLE] = [...sources]
    .map(([name, { pid, fd, id }]) => `${name}=${pid}:${fd}:${id}`)
    .join(';');
}
