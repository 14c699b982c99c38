/** A processor that BullMQ runs in a process of its own. */
// biome-ignore lint/style/noDefaultExport: it is what BullMQ calls.
export default async function processor(job: { readonly data: number }): Promise<number> {
  return job.data;
}
