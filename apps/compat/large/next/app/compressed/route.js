export const dynamic = 'force-dynamic';

export function GET() {
  return new Response('The quick brown fox jumps over the lazy dog. '.repeat(1000), {
    headers: { 'Content-Type': 'text/plain' },
  });
}
