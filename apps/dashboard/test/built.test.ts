import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const built = (file: string) => readFileSync(new URL(`../dist/${file}`, import.meta.url));

test('the page is under 150 KiB of script and style, compressed', () => {
  const size = ['app.js', 'app.css'].reduce((sum, file) => sum + gzipSync(built(file)).length, 0);
  expect(size).toBeGreaterThan(10 << 10);
  expect(size).toBeLessThan(150 << 10);
});

test('it asks for nothing from outside, and has nothing in line that its policy forbids', () => {
  const page = built('index.html').toString();
  expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, target]) => target)).toEqual([
    '/dashboard/icon.svg',
    '/dashboard/app.css',
    '/dashboard/app.js',
  ]);
  expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/);
  expect(built('app.css').toString()).not.toMatch(/url\(|@import/);
  // One file: a page that loads parts later would ask for files that a server of another version does not have.
  expect(readdirSync(new URL('../dist/', import.meta.url)).filter((file) => file.endsWith('.js'))).toEqual([
    'app.js',
  ]);
});
