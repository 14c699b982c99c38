import { exchange, request } from '../wire/exchange.js';
import type { Kind, Site } from './kind.js';

const get = (site: Site, path: string, headers: Record<string, string> = {}) =>
  exchange(site, [request('GET', path, { headers, close: true })]);

/** What is rendered when it is asked for is cut and named otherwise each time: what holds is its head, and what it says. */
async function rendered(site: Site, path: string, headers: Record<string, string> = {}): Promise<unknown> {
  const { answers, end } = await get(site, path, headers);
  const [{ line, headers: fields }] = answers as [{ line: string; headers: string[] }];
  const answer = await fetch(`http://127.0.0.1:${site.port}${path}`, { headers });
  const has = (await answer.text()).includes('it has come');
  return { line, fields: fields.filter((field) => !/^content-length: /i.test(field)), end, has };
}

/** What a site of Next.js serves beside what every program does. */
export const NEXT: readonly Kind[] = [
  {
    says: 'serves a page that was rendered when the site was built, and says that it has not changed',
    run: async (site) => {
      const page = await get(site, '/');
      const [{ headers }] = page.answers as [{ headers: string[] }];
      const etag = headers.find((header) => /^etag: /i.test(header))?.slice('etag: '.length) ?? '';
      return [page, await get(site, '/', { 'If-None-Match': etag })];
    },
    shows: /200 OK.*304 Not Modified/,
  },
  {
    says: 'streams a page that waits for a part of it',
    run: (site) => rendered(site, '/counter'),
    shows: /200 OK.*"has":true/,
  },
  {
    says: 'sends the payload of a page to its router',
    run: async (site) => {
      const all: unknown[] = [];
      for (const path of ['/counter', '/']) {
        // It answers where the payload is: under a name that is not taken from a cache for other headers.
        const asked = await get(site, path, { RSC: '1' });
        const [{ headers }] = asked.answers as [{ headers: string[] }];
        const location = headers.find((header) => /^location: /i.test(header))?.slice('location: '.length);
        all.push(asked, await rendered(site, location ?? path, { RSC: '1' }));
      }
      return all;
    },
    shows: /text\/x-component/,
  },
  {
    says: 'serves the scripts of a page, compressed and not',
    run: async (site) => {
      const page = await fetch(`http://127.0.0.1:${site.port}/counter`).then((answer) => answer.text());
      const scripts = [...page.matchAll(/src="(\/_next\/static\/[^"]+)"/g)].map(([, path]) => path as string);
      const all: unknown[] = [];
      for (const path of new Set(scripts)) {
        all.push(path, await get(site, path), await get(site, path, { 'Accept-Encoding': 'gzip' }));
      }
      return all;
    },
    shows: /immutable.*[Cc]ontent-[Ee]ncoding: gzip/,
  },
  {
    says: 'has a page for what it does not know',
    run: (site) => get(site, '/no/such/page'),
    shows: /404 Not Found/,
  },
];
