import type { ComponentChildren } from 'preact';
import type { ProcessState, ServerState } from '../reports.js';

/** A state: by its word, and a mark whose shape tells it, too. */
export function State({ state }: { readonly state: ProcessState | ServerState | 'gone' }) {
  return (
    <span class="state" data-state={state}>
      {state}
    </span>
  );
}

interface PanelProps {
  readonly title: string;
  readonly id: string;
  readonly children: ComponentChildren;
  readonly aside?: ComponentChildren;
}

export function Panel({ title, id, children, aside }: PanelProps) {
  return (
    <section class="panel" aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside}
      </header>
      {children}
    </section>
  );
}

/** Figures with what they are; `note` is what they are of. */
export function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(({ label, value, note }) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>
            {value}
            {note !== undefined && <small> {note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export interface Fact {
  readonly label: string;
  readonly value: ComponentChildren;
  readonly note?: string;
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
