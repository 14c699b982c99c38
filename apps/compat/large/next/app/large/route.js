export const dynamic = 'force-dynamic';

const chunk = new Uint8Array(65_536).fill(46);

export function GET() {
  let left = 320;
  const stream = new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(chunk);
      else controller.close();
    },
  });
  return new Response(stream, { headers: { 'Content-Type': 'application/octet-stream' } });
}
