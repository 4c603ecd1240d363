import { randomSecret } from '../../../platform/crypto/index.ts';
import type { Logger } from '../../../platform/logging/index.ts';
import type { AuditBuffer } from '../../../platform/ports.ts';
import type { Dialect, UpstreamError, UpstreamFailure, UpstreamPerson, Wishes } from '../dialects/dialect.ts';
import { failureOf } from '../dialects/library.ts';
import type { Provider, ProviderKind } from '../providers/provider.ts';
import type { Registry } from '../providers/registry.ts';
import { callbackPath } from '../providers/service.ts';
import type { FlowStore } from './store.ts';

/** What the person went away for, and where they come back to. */
export type Errand =
  /** A hosted sign-in, by its name. */
  | { purpose: 'page'; uid: string; clientId: string }
  /** The JSON sign-in; an application that waits elsewhere proves itself by what the challenge was made of (RFC 7636 §4.6). */
  | { purpose: 'api'; clientId: string; mayCreate: boolean; returnTo?: string | undefined; challenge?: string | undefined }
  /** The account that is signed in wants to be joined with who they are there. */
  | { purpose: 'link'; accountId: string; session: string };

interface Start {
  errand: Errand;
  nonce: string;
  verifier: string;
  maxAgeSeconds: number | undefined;
}

export type StartOutcome =
  | { kind: 'away'; url: string; browser: string }
  | { kind: 'unknown' }
  | { kind: 'failed'; provider: Provider; failure: UpstreamFailure };

export type ReturnOutcome =
  /** No such sign-in of this browser at this provider: never begun, over, or answered before (SO-03). */
  | { kind: 'gone' }
  | { kind: 'failed'; errand: Errand; provider: Provider; failure: UpstreamFailure }
  | { kind: 'person'; errand: Errand; provider: Provider; person: UpstreamPerson };

export interface UpstreamFlowDeps {
  store: FlowStore;
  registry: Pick<Registry, 'find'>;
  dialects: Record<ProviderKind, Dialect>;
  issuer: string;
  audit: AuditBuffer;
  logger: Pick<Logger, 'warn'>;
  attempted(method: string, outcome: string): void;
}

/** What went wrong, without what the provider wrote: errors hold its answers, those of the JSON parser quote them. */
const chainOf = (cause: unknown, depth = 0): string[] => {
  if (!(cause instanceof Error) || depth === 5) return [];
  const { code = '' } = cause as { code?: unknown };
  const words = cause instanceof SyntaxError ? '' : cause.message.slice(0, 200);
  return [[cause.name, code, words].filter(Boolean).join(': '), ...chainOf(cause.cause, depth + 1)];
};

const isHeld = (value: string | undefined): value is string => value !== undefined && /^[\w-]{43}$/.test(value);

/** Sending people to a provider and taking them back (RFC 9700 §4.7, OpenID Connect Core §3.1). */
export const createUpstreamFlows = ({ store, registry, dialects, issuer, audit, logger, attempted }: UpstreamFlowDeps) => {
  const redirectUriOf = ({ name }: Provider): string => `${issuer}${callbackPath(name)}`;

  const failed = (provider: Provider, error: UpstreamError, clientId: string | undefined): UpstreamFailure => {
    const { kind, reason, cause } = error;
    attempted(provider.kind, kind);
    // What the person did there is theirs; what is wrong with the provider is for whoever runs this.
    if (kind !== 'denied')
      logger.warn({ provider: provider.name, kind, reason, why: chainOf(cause) }, 'an upstream sign-in failed');
    const about = { outcome: 'failure', actor: { type: 'anonymous' }, clientId, reason: `${kind}:${reason}` } as const;
    audit.note({ type: 'authn.login.failed', ...about, details: { method: provider.kind } });
    return kind;
  };

  const clientOf = (errand: Errand): string | undefined => (errand.purpose === 'link' ? undefined : errand.clientId);

  return {
    /** @param browser what the browser holds already */
    start: async (name: string, errand: Errand, wishes: Wishes, browser: string | undefined): Promise<StartOutcome> => {
      const provider = await registry.find(name);
      if (!provider) return { kind: 'unknown' };
      const held = isHeld(browser) ? browser : randomSecret();
      const [state, nonce, verifier] = [randomSecret(), randomSecret(), randomSecret()];
      const { maxAgeSeconds } = wishes;
      try {
        const checks = { state, nonce, verifier, maxAgeSeconds };
        const url = await dialects[provider.kind].authorizationUrl(provider, redirectUriOf(provider), checks, wishes);
        const start: Start = { errand, nonce, verifier, maxAgeSeconds };
        await store.put({ kind: 'start', key: state, browser: held }, name, start);
        return { kind: 'away', url: url.href, browser: held };
      } catch (error) {
        return { kind: 'failed', provider, failure: failed(provider, failureOf(error), clientOf(errand)) };
      }
    },

    /** @param answer the query that the browser brought */
    finish: async (name: string, answer: URLSearchParams, browser: string | undefined): Promise<ReturnOutcome> => {
      const state = answer.get('state');
      const isWhole = state !== null && isHeld(state) && isHeld(browser);
      const waiting = isWhole ? await store.take<Start>({ kind: 'start', key: state, browser }, name) : undefined;
      const provider = waiting && (await registry.find(name));
      if (!waiting || !provider || state === null) return { kind: 'gone' };
      const { errand, nonce, verifier, maxAgeSeconds } = waiting.content;
      const url = new URL(redirectUriOf(provider));
      url.search = answer.toString();
      try {
        const checks = { state, nonce, verifier, maxAgeSeconds };
        const person = await dialects[provider.kind].person(provider, url, checks);
        return { kind: 'person', errand, provider, person };
      } catch (error) {
        return { kind: 'failed', errand, provider, failure: failed(provider, failureOf(error), clientOf(errand)) };
      }
    },
  };
};

export type UpstreamFlows = ReturnType<typeof createUpstreamFlows>;
