import { signal } from '@preact/signals';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import { Actions } from './actions/actions.js';
import { AdminError } from './api/request.js';
import { Listener } from './pages/listener.js';
import { Listeners } from './pages/listeners.js';
import { Login } from './pages/login.js';
import { Logs } from './pages/logs.js';
import { Overview } from './pages/overview.js';
import { Process } from './pages/process.js';
import { Processes } from './pages/processes.js';
import { TablePage } from './pages/table.js';
import { Tables } from './pages/tables.js';
import { Tasks } from './pages/tasks.js';
import { type Route, route } from './state/route.js';
import { enter, followVisibility, status } from './state/server.js';
import { followTheme } from './state/theme.js';
import { titleOf } from './ui/format.js';
import { Frame } from './ui/frame.js';
import { Empty } from './ui/parts.js';

const AGAIN_MS = 1_000;

/** Whether the server has said by now if it asks for a token. */
const isKnown = signal(false);

function App() {
  const { value: now } = status;
  const { page, of } = route.value;
  useEffect(() => {
    document.title = [titleIn(route.value), now?.name, 'Millrace'].filter(Boolean).join(' · ');
  }, [page, of, now?.name]);
  useEffect(() => {
    // What a page is called is read first when one comes to it; not at the beginning, where the browser reads all.
    if (isKnown.value) document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [page, of]);
  if (now === undefined) return isKnown.value ? <Login /> : <p class="empty">Asking the server …</p>;
  return (
    <>
      <Frame>
        <Page route={route.value} />
      </Frame>
      <Actions />
    </>
  );
}

function Page({ route: { page, of } }: { readonly route: Route }) {
  switch (page) {
    case '':
      return <Overview />;
    case 'processes':
      return <Processes />;
    case 'process':
      return <Process key={of} name={of ?? ''} />;
    case 'listeners':
      return <Listeners />;
    case 'listener':
      return <Listener key={of} index={Number(of)} />;
    case 'tasks':
      return <Tasks />;
    case 'tables':
      return <Tables />;
    case 'table':
      return <TablePage key={of} name={of ?? ''} />;
    case 'log':
      return <Logs />;
    default:
      return <Empty>There is no such page.</Empty>;
  }
}

function titleIn({ page, of }: Route): string {
  if (of !== undefined) return titleOf(of);
  return page === '' ? 'Overview' : page[0]?.toUpperCase() + page.slice(1);
}

/** With the token of before, or with none where the server asks for none; else there is a form. */
async function begin(): Promise<void> {
  try {
    await enter();
    isKnown.value = true;
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    setTimeout(() => void begin(), AGAIN_MS);
  }
}

followTheme();
followVisibility();
render(<App />, document.getElementById('app') as HTMLElement);
void begin();
