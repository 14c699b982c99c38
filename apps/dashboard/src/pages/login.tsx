import { useSignal } from '@preact/signals';
import { AdminError } from '../api/request.js';
import { forgetToken, keepToken } from '../api/token.js';
import { enter } from '../state/server.js';

export function Login() {
  const failure = useSignal('');
  const isBusy = useSignal(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const given = String(new FormData(event.currentTarget as HTMLFormElement).get('token')).trim();
    isBusy.value = true;
    failure.value = '';
    try {
      keepToken(given);
      if (!(await enter())) {
        forgetToken();
        failure.value = 'This is not the token of this server.';
      }
    } catch (error) {
      forgetToken();
      // What no header can carry is no token.
      failure.value = error instanceof AdminError ? error.message : 'This is not the token of this server.';
    }
    isBusy.value = false;
  };
  return (
    <main class="login">
      <form onSubmit={submit}>
        <img src="/dashboard/icon.svg" alt="" width="44" height="44" />
        <h1>Millrace</h1>
        <p class="soft">
          This server asks for its token: the one in MILLRACE_ADMIN_TOKEN, or in its token file.
        </p>
        <label class="field">
          Token
          <input
            type="password"
            name="token"
            required
            autoComplete="current-password"
            aria-describedby="failure"
            // biome-ignore lint/a11y/noAutofocus: it is the one thing there is to do on this page
            autoFocus
          />
        </label>
        <p id="failure" class="outcome" role="alert" data-step={failure.value === '' ? 'asks' : 'failed'}>
          {failure.value}
        </p>
        <button type="submit" class="main" disabled={isBusy.value}>
          Enter
        </button>
        <p class="soft small">It is kept in this tab until that is closed, and sent to this server alone.</p>
      </form>
    </main>
  );
}
