import type { ComponentChildren } from 'preact';
import { hrefOf, route } from '../state/route.js';
import { hasToken, leave, status, stream } from '../state/server.js';
import { nextTheme, theme } from '../state/theme.js';
import { duration } from './format.js';
import { State } from './parts.js';

const PLACES = [
  { page: '', title: 'Overview', also: [] },
  { page: 'processes', title: 'Processes', also: ['process'] },
  { page: 'listeners', title: 'Listeners', also: ['listener'] },
  { page: 'tasks', title: 'Tasks', also: [] },
  { page: 'tables', title: 'Tables', also: ['table'] },
  { page: 'log', title: 'Log', also: [] },
] as const;

/** What is around each page: which server it is, how it is, and where else to look. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById('content')?.focus()}>
        To the content
      </button>
      <header class="top">
        <Server />
        <nav aria-label="Pages">
          {PLACES.map(({ page, title, also }) => (
            <a
              key={page}
              href={hrefOf(page)}
              aria-current={
                route.value.page === page || (also as readonly string[]).includes(route.value.page)
                  ? 'page'
                  : undefined
              }
            >
              {title}
            </a>
          ))}
        </nav>
        <div class="corner">
          <button type="button" class="quiet" onClick={nextTheme}>
            <span class="scheme" data-theme={theme.value} aria-hidden="true" />
            <span class="visually-hidden">Colours: </span>
            <span class="scheme-name">{theme.value}</span>
          </button>
          {hasToken() && (
            <button type="button" class="quiet" onClick={leave}>
              Leave
            </button>
          )}
        </div>
      </header>
      <Lost />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Server() {
  const { value: now } = status;
  return (
    <p class="server">
      <img src="/dashboard/icon.svg" alt="Millrace" width="26" height="26" />
      <strong>{now?.name}</strong>
      {now !== undefined && <State state={now.state} />}
      {now !== undefined && (
        <span class="soft">
          up {duration(now.uptimeMs)} · {now.mode} mode · Node {now.node.replace(/^v/, '')}
        </span>
      )}
    </p>
  );
}

function Lost() {
  const isLost = stream.value === 'lost' || stream.value === 'absent';
  return (
    <div role="status">
      {isLost && (
        <p class="lost">
          The admin process does not answer: what you see is as of before. This page goes on by itself when
          there is one again.
        </p>
      )}
    </div>
  );
}
