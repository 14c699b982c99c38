export async function GET(request, { params }) {
  const { id } = await params;
  return Response.json({ user: id, query: Object.fromEntries(request.nextUrl.searchParams) });
}
