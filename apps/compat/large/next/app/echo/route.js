async function echo(request) {
  return new Response(request.body, {
    headers: { 'Content-Type': request.headers.get('content-type') ?? 'application/octet-stream' },
  });
}

export { echo as PATCH, echo as POST, echo as PUT };
