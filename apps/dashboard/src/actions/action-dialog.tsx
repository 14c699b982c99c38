import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { AdminError } from '../api/request.js';

interface ActionDialogProps {
  readonly title: string;
  /** The question. */
  readonly children: ComponentChildren;
  /** What the button says that does it. */
  readonly verb: string;
  readonly grave?: boolean;
  /** Does it, tells how far it is, and returns what came of it. Throws `AdminError`. */
  readonly run: (form: FormData, tell: (text: string) => void) => Promise<string>;
  readonly onClose: () => void;
}

/** Asks before it does something, and shows what becomes of it. */
export function ActionDialog({ title, children, verb, grave = false, run, onClose }: ActionDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  const step = useSignal<'asks' | 'runs' | 'done' | 'failed'>('asks');
  const text = useSignal('');

  useEffect(() => dialog.current?.showModal(), []);

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    step.value = 'runs';
    text.value = '';
    try {
      text.value = await run(new FormData(event.currentTarget as HTMLFormElement), (now) => {
        text.value = now;
      });
      step.value = 'done';
    } catch (error) {
      if (!(error instanceof AdminError)) throw error;
      text.value = error.message;
      step.value = 'failed';
    }
  };

  const isOver = step.value === 'done' || step.value === 'failed';
  return (
    <dialog ref={dialog} aria-labelledby={id} onClose={onClose}>
      <form onSubmit={submit}>
        <h2 id={id}>{title}</h2>
        <div class="question" hidden={isOver}>
          {children}
        </div>
        <p class="outcome" role="status" data-step={step.value}>
          {text.value}
        </p>
        <div class="buttons">
          <button type="button" class="quiet" onClick={() => dialog.current?.close()}>
            {step.value === 'asks' ? 'Cancel' : 'Close'}
          </button>
          {!isOver && (
            <button type="submit" class={grave ? 'grave' : 'main'} disabled={step.value === 'runs'}>
              {verb}
            </button>
          )}
        </div>
      </form>
    </dialog>
  );
}
