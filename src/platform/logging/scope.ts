import { AsyncLocalStorage } from 'node:async_hooks';
import type { House } from '../ports.ts';

/** What everything done for one request shares. */
export interface RequestScope {
  /** `X-Correlation-Id` of the request, or ours. */
  correlationId: string;
  /** Client address, through trusted proxies only. */
  ip: string | undefined;
  /** How the page looks whose form this is: mails that it owes look the same. */
  house?: House | undefined;
  /** Runs `hook` once the answer has left, or at once where nobody waits for it any more. Absent outside of requests. */
  afterAnswer?: (hook: () => void) => void;
}

const storage = new AsyncLocalStorage<RequestScope>();

/** The request being answered, or `undefined` in jobs and at start. */
export const currentScope = (): RequestScope | undefined => storage.getStore();

export const inScope = <Result>(scope: RequestScope, work: () => Result): Result => storage.run(scope, work);
