/** Milliseconds after which a program that does not serve is spoken of on the terminal, and between that and the next time. */
const SAID_MS = 5_000;
const SAID_AGAIN_MS = 60_000;

/**
 * Says on the terminal what a start waits for, where the log that says it goes elsewhere: `where` that is. Returns what ends that.
 */
export function sayWhatIsAwaited(program: string, where: string): () => void {
  const begunAt = performance.now();
  const say = () => {
    const seconds = Math.round((performance.now() - begunAt) / 1_000);
    console.error(
      `${program} does not serve after ${seconds} s: workers wait until it has come to the end of its top level, and listens. ${where}`,
    );
    timer = setTimeout(say, SAID_AGAIN_MS).unref();
  };
  let timer = setTimeout(say, SAID_MS).unref();
  return () => clearTimeout(timer);
}
