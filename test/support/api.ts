/** Calls `/api/v1` as a program does: JSON in and out. */
export interface ApiAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, which the tests look into
  json: any;
}

export type Api = (
  method: string,
  path: string,
  body?: unknown,
  token?: string,
  headers?: Record<string, string>,
) => Promise<ApiAnswer>;

export const createApi =
  (issuer: () => string): Api =>
  async (method, path, body, token, headers = {}) => {
    const response = await fetch(`${issuer()}/api/v1${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, json: text === '' ? undefined : JSON.parse(text) };
  };

export interface Tokens {
  accessToken: string;
  refreshToken: string;
}
