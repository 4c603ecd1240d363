import type { AuditReader } from '../../../audit/index.ts';
import { type AuthzServices, callerOf, type RouteCaller } from '../../../authz/index.ts';
import type { Oidc } from '../../../oidc/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import type { Section } from '../shell/sections.ts';

export interface Finding {
  /** Words: `admin.check.<name>` for trouble, `admin.well.<name>` for its absence. */
  name: string;
  kind: 'danger' | 'warning' | 'success';
  count: number;
  href: string | undefined;
}

/** One question of the overview, for whoever may see what it looks at. */
export interface Watch {
  permission: Section['permission'];
  everywhere?: true;
  look(caller: RouteCaller): Promise<Finding[]>;
}

export interface WatchDeps {
  clock: Clock;
  events: AuditReader;
  duties: AuthzServices['duties'];
  keys: Pick<Oidc['keys'], 'list'>;
  /** What could not be delivered for days: mails, logout notices. */
  deadEntries(): Promise<number>;
}

const dayMs = 86_400_000;
/** Fewer failures are people who mistype. */
const noticeable = 10;
/** The job rotates after 90 days. */
const keyDays = 97;
const conflictsShown = 50;

const finding = (name: string, count: number, kind: Finding['kind'], href?: string): Finding => ({
  name,
  kind: count > 0 ? kind : 'success',
  count,
  href,
});

export const createWatches = ({ clock, events, duties, keys, deadEntries }: WatchDeps): readonly Watch[] => {
  const ago = (days: number): Date => new Date(clock.now().getTime() - days * dayMs);
  const logOf = (type: string): string => `/admin/audit?${new URLSearchParams({ type, from: ago(1).toISOString() })}`;

  const signIns = async (caller: RouteCaller): Promise<Finding[]> => {
    const { scope } = callerOf(caller);
    const failed = await events.count(scope, { type: 'authn.login.failed', from: ago(1) });
    const before = await events.count(scope, { type: 'authn.login.failed', from: ago(2), to: ago(1) });
    const isUnusual = failed >= noticeable && failed > 2 * before;
    const locked = await events.count(scope, { type: 'authn.locked', from: ago(1) });
    const reused = await events.count(scope, { type: 'oidc.token.reuse_detected', from: ago(1) });
    return [
      finding('failed', isUnusual ? failed : 0, 'warning', logOf('authn.login.failed')),
      finding('locked', locked, 'warning', logOf('authn.locked')),
      finding('reused', reused, 'danger', logOf('oidc.token.reuse_detected')),
    ];
  };

  const conflicts = async (caller: RouteCaller): Promise<Finding[]> => {
    const { items } = await duties.conflicts(callerOf(caller), { limit: conflictsShown });
    const open = items.filter(({ exception }) => exception === undefined).length;
    return [finding('conflicts', open, 'warning', '/admin/duties/conflicts')];
  };

  const dueKeys = async (): Promise<Finding[]> => {
    const active = (await keys.list()).filter(({ state }) => state === 'active');
    const due = active.filter(({ activatedAt, createdAt }) => new Date(activatedAt ?? createdAt) < ago(keyDays));
    return [finding('keys', due.length, 'danger', '/admin/keys')];
  };

  return [
    { permission: 'audit:read', look: signIns },
    { permission: 'sod:read', look: conflicts },
    { permission: 'key:read', everywhere: true, look: dueKeys },
    { permission: 'outbox:read', everywhere: true, look: async () => [finding('outbox', await deadEntries(), 'danger')] },
  ];
};
