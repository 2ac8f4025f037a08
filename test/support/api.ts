import type { TestPlatform } from './platform.js';

export interface ApiAnswer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Headers;
}

export interface ApiRequest {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is, in place of `body`. */
  readonly bytes?: string | Uint8Array;
  readonly token?: string;
}

/** One request to the API as the administrator; answers whatever the status, throws when nothing answers. */
export const callApi = async (
  platform: TestPlatform,
  method: string,
  path: string,
  request: ApiRequest = {},
): Promise<ApiAnswer> => {
  const body = request.bytes ?? (request.body === undefined ? null : JSON.stringify(request.body));
  const answer = await fetch(`${platform.apiUrl}${path}`, {
    method,
    body,
    headers: {
      authorization: `Bearer ${request.token ?? (await platform.token())}`,
      ...(body === null ? {} : { 'content-type': 'application/json' }),
      ...request.headers,
    },
  });
  return { status: answer.status, body: parsed(await answer.text()), headers: answer.headers };
};

/** The same, where anything but success is the test's failure. */
export const askApi = async (
  platform: TestPlatform,
  method: string,
  path: string,
  request: ApiRequest = {},
): Promise<Record<string, unknown>> => {
  const answer = await callApi(platform, method, path, request);
  if (answer.status < 300) return answer.body;
  throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
};

const parsed = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
};
