import { toJsonSchema } from '@valibot/to-json-schema';
import type { GenericSchema } from 'valibot';
import type { Answer, Route } from './routes.js';
import { errorSchema } from './schemas.js';

/** What a client may always be told in the place of an answer. */
const ALWAYS: Readonly<Record<number, string>> = {
  400: 'The query or the body is not as it has to be.',
  401: 'A client of TCP has not shown the token.',
  413: 'The body is too long.',
};

/** The OpenAPI document of the routes: what is served, and what is told of it, are of one table. */
export function openApiOf(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = paths[route.path] ?? {};
    path[route.method.toLowerCase()] = operationOf(route);
    paths[route.path] = path;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'The admin interface of a Millrace server',
      version: '1',
      description:
        'On a unix socket, which takes no token; on TCP where the server is told to, with a bearer token.',
    },
    paths,
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function operationOf(route: Route): object {
  const { id, text, path, query, body, answers, open } = route;
  const parameters = [...pathParameters(path), ...(query === undefined ? [] : queryParameters(query))];
  const isGiven = (status: string) => answers[Number(status)] !== undefined;
  const refusals = Object.entries(ALWAYS).filter(
    ([status]) => !isGiven(status) && !(open && status === '401'),
  );
  return {
    operationId: id,
    summary: text,
    security: open ? [] : [{ token: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: false, content: { 'application/json': { schema: schemaOf(body, 'input') } } },
    }),
    responses: Object.fromEntries([
      ...Object.entries(answers).map(([status, answer]) => [status, responseOf(answer)] as const),
      ...refusals.map(([status, why]) => [status, responseOf({ text: why, schema: errorSchema })] as const),
    ]),
  };
}

function responseOf({ text, schema, contentType }: Answer): object {
  return {
    description: text,
    content: { [contentType ?? 'application/json']: { schema: schemaOf(schema, 'output') } },
  };
}

function pathParameters(path: string): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: GenericSchema): object[] {
  const { properties = {} } = schemaOf(query, 'input') as { properties?: Record<string, object> };
  return Object.entries(properties).map(([name, schema]) => ({ name, in: 'query', required: false, schema }));
}

function schemaOf(schema: GenericSchema, typeMode: 'input' | 'output'): object {
  const { $schema: _, ...rest } = toJsonSchema(schema, { typeMode, errorMode: 'ignore' });
  return rest;
}
