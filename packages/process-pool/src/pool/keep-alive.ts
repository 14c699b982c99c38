/** The longest timer that Node takes, in milliseconds: 24 days. */
const LONGEST_MS = 2 ** 31 - 1;

/** Keeps the loop of this process alive until `work` is done, whatever it waits for. */
export async function keptAlive<T>(work: Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, LONGEST_MS);
  try {
    return await work;
  } finally {
    clearInterval(hold);
  }
}
