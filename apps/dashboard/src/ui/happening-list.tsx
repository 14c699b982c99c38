import { useComputed } from '@preact/signals';
import { happenings } from '../state/happenings.js';
import { hrefOf } from '../state/route.js';
import { clock, titleOf } from './format.js';
import { Empty } from './parts.js';

const SHOWN = 60;

/** What became of processes, newest first; of one, or of all. */
export function HappeningList({ process: only }: { readonly process?: string }) {
  const shown = useComputed(() =>
    happenings.value.filter(({ process }) => only === undefined || process === only).slice(0, SHOWN),
  );
  if (shown.value.length === 0)
    return <Empty>Nothing since this page was opened: no process has ended, hung or been replaced.</Empty>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, which takes the keyboard
    <ol class="happenings scroll" tabIndex={0} aria-label="What became of processes">
      {shown.value.map(({ key, at, process, kind, text }) => (
        <li key={key} data-kind={kind}>
          <time>{clock(at)}</time>
          <span>
            {only === undefined && <a href={hrefOf('process', process)}>{titleOf(process)}</a>} {text}
          </span>
        </li>
      ))}
    </ol>
  );
}
