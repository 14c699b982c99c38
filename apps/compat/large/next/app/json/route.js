export async function POST(request) {
  try {
    return Response.json(await request.json());
  } catch (error) {
    return Response.json({ error: error.message }, { status: 400 });
  }
}
