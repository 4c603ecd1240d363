import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { Certificate } from './certificate.ts';

/** What reached an address of the relying party. */
export interface Delivery {
  method: string;
  url: URL;
  body: string;
}

export interface Inbox {
  url: string;
  deliveries: Delivery[];
  /** Answers so from now on. */
  answer(status: number, body?: string): void;
}

/** The suite's own side: serves the documents a provider fetches (RFC 7591 `jwks_uri`, sector files, request objects) and takes logout calls. */
export interface RelyingParty {
  readonly origin: string;
  /** Serves `body` at a fresh address; a picture is given in base64. */
  publish(
    name: string,
    body: string | object,
    type?: string,
  ): { url: string; replace(body: string | object): void; fetched(): number };
  /** A fresh address that answers 200 to everything, and what was delivered there. */
  inbox(name: string): Inbox;
  /** The inbox at a fixed address: what a client that an administrator registers names. */
  notifications(clientId: string): Inbox;
  close(): Promise<void>;
}

interface Box {
  deliveries: Delivery[];
  status: number;
  body: string;
}

const statusOf = (inbox: Box | undefined, document: object | undefined): number => inbox?.status ?? (document ? 200 : 404);
const isRedirect = (inbox: Box | undefined): boolean => inbox !== undefined && inbox.status > 299 && inbox.status < 400;
const bytesOf = ({ body, type }: { body: string; type: string }): Buffer =>
  Buffer.from(body, type.startsWith('image/') ? 'base64' : 'utf8');

export const startRelyingParty = async (certificate: Certificate): Promise<RelyingParty> => {
  const documents = new Map<string, { body: string; type: string; fetched: number }>();
  const inboxes = new Map<string, Box>();
  let last = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', origin);
    const body = await text(request);
    const inbox = inboxes.get(url.pathname);
    inbox?.deliveries.push({ method: request.method ?? 'GET', url, body });
    const document = documents.get(url.pathname);
    if (document) document.fetched += 1;
    response.writeHead(statusOf(inbox, document), {
      ...(isRedirect(inbox) ? { location: `${origin}/elsewhere` } : {}),
      'content-type': document?.type ?? 'text/plain',
      'cache-control': 'no-store',
    });
    response.end(bytesOf(document ?? { body: inbox?.body ?? '', type: 'text/plain' }));
  };

  const server = createServer(certificate, (request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fresh = (name: string): string => {
    last += 1;
    return `/${name}/${last}`;
  };

  const openInbox = (path: string): Inbox => {
    const known = inboxes.get(path) ?? { deliveries: [], status: 200, body: '' };
    inboxes.set(path, known);
    return {
      url: `${origin}${path}`,
      deliveries: known.deliveries,
      answer: (status, body = '') => void Object.assign(known, { status, body }),
    };
  };

  return {
    origin,
    publish: (name, body, type) => {
      const path = fresh(name);
      const entry = { body: '', type: '', fetched: 0 };
      const replace = (content: string | object): void => {
        entry.body = typeof content === 'string' ? content : JSON.stringify(content);
        entry.type = type ?? (typeof content === 'string' ? 'application/oauth-authz-req+jwt' : 'application/json');
      };
      replace(body);
      documents.set(path, entry);
      return { url: `${origin}${path}`, replace, fetched: () => entry.fetched };
    },
    inbox: (name) => openInbox(fresh(name)),
    notifications: (clientId) => openInbox(`/ciba/${clientId}`),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
