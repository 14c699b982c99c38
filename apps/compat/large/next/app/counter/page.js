import { Suspense } from 'react';
import Counter from './counter';

export const dynamic = 'force-dynamic';

async function Late() {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return <p>it has come</p>;
}

export default function Page() {
  return (
    <main>
      <Counter />
      <Suspense fallback={<p>it will come</p>}>
        <Late />
      </Suspense>
    </main>
  );
}
