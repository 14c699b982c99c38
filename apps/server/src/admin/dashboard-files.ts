import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

/** Beside this module, which may be in a folder of its own, or one with all the others. */
const FOLDER = new URL('../dist/dashboard/', import.meta.url);

const FILES: Readonly<Record<string, { readonly file: string; readonly type: string }>> = {
  '/': { file: 'index.html', type: 'text/html; charset=utf-8' },
  '/dashboard/app.js': { file: 'app.js', type: 'text/javascript; charset=utf-8' },
  '/dashboard/app.css': { file: 'app.css', type: 'text/css; charset=utf-8' },
  '/dashboard/icon.svg': { file: 'icon.svg', type: 'image/svg+xml' },
};

/** Scripts and styles of ours alone, requests to this server alone, in no frame, with no sink of text that becomes script. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

interface Loaded {
  readonly type: string;
  readonly bytes: Buffer;
  readonly compressed: Buffer;
  readonly tag: string;
}

/** The files of the dashboard. They are the same for every server and tell nothing of this one, so they take no token. */
export class DashboardFiles {
  /** What has been asked for once stays in memory: some 100 kB. */
  readonly #loaded = new Map<string, Loaded>();
  readonly #folder: URL;

  /** `folder`: where the build has put them. */
  constructor(folder = FOLDER) {
    this.#folder = folder;
  }

  has(path: string): boolean {
    return Object.hasOwn(FILES, path);
  }

  /** Answers with one of them; false when there is none of that path. */
  serve(path: string, { headers }: IncomingMessage, response: ServerResponse): boolean {
    const entry = this.has(path) ? FILES[path] : undefined;
    if (entry === undefined) return false;
    const { type, bytes, compressed, tag } = this.#load(entry);
    response.setHeader('etag', tag);
    // Asked for anew each time, and sent only when it is another: the server's next version is the page's.
    response.setHeader('cache-control', 'no-cache');
    response.setHeader('vary', 'accept-encoding');
    response.setHeader('content-security-policy', PAGE_POLICY);
    response.setHeader('cross-origin-opener-policy', 'same-origin');
    if (headers['if-none-match'] === tag) {
      response.writeHead(304).end();
      return true;
    }
    const packed = /\bgzip\b/.test(headers['accept-encoding']?.toString() ?? '');
    const body = packed ? compressed : bytes;
    response.writeHead(200, {
      'content-type': type,
      'content-length': body.length,
      ...(packed && { 'content-encoding': 'gzip' }),
    });
    response.end(body);
    return true;
  }

  #load({ file, type }: { readonly file: string; readonly type: string }): Loaded {
    const loaded = this.#loaded.get(file);
    if (loaded !== undefined) return loaded;
    const bytes = readFileSync(new URL(file, this.#folder));
    const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
    const made = { type, bytes, compressed: gzipSync(bytes, { level: 9 }), tag };
    this.#loaded.set(file, made);
    return made;
  }
}
