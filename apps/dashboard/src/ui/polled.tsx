import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { AdminError, get } from '../api/request.js';
import { Empty } from './parts.js';

const EVERY_MS = 2_000;

export interface Polled<T> {
  readonly value: T | undefined;
  readonly failure: AdminError | undefined;
}

/** What a route answers, asked for anew every two seconds while it is shown: for what the stream of events does not tell. */
export function usePolled<T>(path: string): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, failure: undefined });
  useEffect(() => {
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const next = async () => {
      try {
        setPolled({ value: await get<T>(path, end.signal), failure: undefined });
      } catch (error) {
        if (end.signal.aborted) return;
        if (!(error instanceof AdminError)) throw error;
        setPolled(({ value }) => ({ value, failure: error }));
      }
      timer = setTimeout(() => void next(), EVERY_MS);
    };
    void next();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [path]);
  return polled;
}

interface PolledPartProps<T> {
  readonly polled: Polled<T>;
  /** What is said where the server has no such thing. */
  readonly absent: string;
  readonly children: (value: T) => ComponentChildren;
}

/** What was answered; what was before stays while nothing is. */
export function PolledPart<T>({ polled: { value, failure }, absent, children }: PolledPartProps<T>) {
  if (failure?.status === 404) return <Empty>{absent}</Empty>;
  if (value !== undefined) return <>{children(value)}</>;
  return <Empty>{failure?.message ?? 'Asking …'}</Empty>;
}
