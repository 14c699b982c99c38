export const dynamic = 'force-dynamic';

export function GET() {
  const encoder = new TextEncoder();
  const stream = new ReadableStream({
    async start(controller) {
      for (let id = 1; id <= 3; id++) {
        controller.enqueue(encoder.encode(`id: ${id}\ndata: tick\n\n`));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      controller.close();
    },
  });
  return new Response(stream, {
    headers: { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' },
  });
}
