import assert from 'node:assert/strict';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';

export interface Answer {
  status: number;
  headers: Headers;
  body: string;
  /** The body as JSON, an empty object where it is none. */
  json: Record<string, unknown>;
}

export interface Call {
  method?: string;
  headers?: Record<string, string | string[]>;
  body?: string;
  /** Client certificate (RFC 8705). */
  tls?: { cert: string; key: string } | undefined;
}

/** RFC 6749 §4.1.2.1, §5.2: what the words of an error may be made of. */
export const checkErrorText = (text: unknown): void => {
  if (typeof text === 'string') assert.match(text, /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/, 'error_description is plain');
};

const parse = (body: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

const ask = (url: string, { method = 'GET', headers = {}, body, tls }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    const outgoing = request(url, {
      method,
      headers: { accept: 'application/json', ...length, ...headers },
      agent: false,
      ...tls,
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const received = new Headers();
      for (const [name, value] of Object.entries(response.headers)) {
        for (const single of [value].flat()) if (single !== undefined) received.append(name, single);
      }
      text(response).then(
        (content) => resolve({ status: response.statusCode ?? 0, headers: received, body: content, json: parse(content) }),
        reject,
      );
    });
    outgoing.end(body);
  });

/** One https call without redirects; `fetch` cannot present a client certificate. */
export const send = async (url: string, call: Call = {}): Promise<Answer> => {
  const answer = await ask(url, call);
  checkErrorText(answer.json.error_description);
  return answer;
};

export const formType = { 'content-type': 'application/x-www-form-urlencoded' };
export const jsonType = { 'content-type': 'application/json' };
