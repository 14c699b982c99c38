import { useEffect, useRef, useState } from 'preact/hooks';
import { type LogLine, LogView } from '../state/log.js';
import { hrefOf } from '../state/route.js';
import { clock, titleOf } from './format.js';
import { Empty } from './parts.js';

interface LogListProps {
  readonly process?: string | undefined;
  readonly level?: string | undefined;
}

/** Lines of the log as they are written, the newest at the end. Who has scrolled up stays where that is. */
export function LogList({ process, level }: LogListProps) {
  const [view, setView] = useState<LogView>();
  const place = useRef<HTMLDivElement>(null);
  const follows = useRef(true);

  useEffect(() => {
    const made = new LogView({ process, level });
    setView(made);
    return () => made.close();
  }, [process, level]);

  useEffect(() => {
    const { current: element } = place;
    if (element !== null && follows.current) element.scrollTop = element.scrollHeight;
  });

  const state = view?.state.value ?? 'connecting';
  const lines = view?.lines.value ?? [];
  if (state === 'absent')
    return <Empty>There is no log here: this server does not tell its log lines.</Empty>;
  if (lines.length === 0)
    return (
      <Empty>
        {state === 'open'
          ? 'No line yet.'
          : state === 'lost'
            ? 'The log is lost for now; this page tries again.'
            : 'Asking for the log …'}
      </Empty>
    );
  return (
    <div
      class="log scroll"
      ref={place}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, which takes the keyboard
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label="Log lines"
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        follows.current = scrollHeight - scrollTop - clientHeight < 24;
      }}
    >
      {lines.map((line) => (
        <Line key={line.key} line={line} />
      ))}
    </div>
  );
}

function Line({ line: { at, level, process, text, rest } }: { readonly line: LogLine }) {
  const fields = Object.entries(rest);
  return (
    <p data-level={level}>
      <time>{clock(at)}</time>
      <b>{level}</b>
      {/:|^(master|manager|admin)$/.test(process) ? (
        <a href={hrefOf('process', process)}>{titleOf(process)}</a>
      ) : (
        <i>{process}</i>
      )}
      <span>
        {text}
        {fields.length > 0 && (
          <small>
            {' '}
            {fields
              .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
              .join(' ')}
          </small>
        )}
      </span>
    </p>
  );
}
