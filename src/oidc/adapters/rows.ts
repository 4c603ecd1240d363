import { isDeepStrictEqual } from 'node:util';
import type { AdapterPayload } from 'oidc-provider';
import { hashOf, markerOf } from './markers.ts';

/** One row of `oidc_artifacts`. */
export interface ArtifactRow {
  kind: string;
  id: string;
  payload: Record<string, unknown>;
  accountId: string | null;
  clientId: string | null;
  grantId: string | null;
  sessionUid: string | null;
  lookup: string | null;
  consumedAt: Date | null;
  expiresAt: Date | null;
  createdAt: Date;
}

/** User codes are short: a keyed digest stands for them, where SHA-256 could be searched through. */
export type BlindIndex = (userCode: string) => string;

type Fields = Record<string, unknown>;

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
const hashed = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? hashOf(value) : null);
const fields = (value: unknown): Fields | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;

const mapMember = (holder: unknown, name: string, change: (id: string) => string): Fields | undefined => {
  const copy = fields(holder);
  const id = copy?.[name];
  return copy && typeof id === 'string' ? { ...copy, [name]: change(id) } : copy;
};

const mapConsent = (result: unknown, change: (id: string) => string): Fields | undefined => {
  const copy = fields(result);
  return copy?.consent === undefined ? copy : { ...copy, consent: mapMember(copy.consent, 'grantId', change) };
};

const mapAuthorizations = (authorizations: unknown, change: (id: string) => string): Fields | undefined => {
  const all = fields(authorizations);
  return all && Object.fromEntries(Object.entries(all).map(([clientId, one]) => [clientId, mapMember(one, 'grantId', change)]));
};

/** References inside a payload, beyond those that have a column. */
const nested: Record<string, (payload: Fields, change: (id: string) => string) => Fields> = {
  Session: (payload, change) => ({ ...payload, authorizations: mapAuthorizations(payload.authorizations, change) }),
  Interaction: (payload, change) => {
    const references = ['deviceCode', 'parJti', 'grantId'].filter((name) => typeof payload[name] === 'string');
    return {
      ...payload,
      ...Object.fromEntries(references.map((name) => [name, change(payload[name] as string)])),
      session: mapMember(payload.session, 'uid', change),
      result: mapConsent(payload.result, change),
      lastSubmission: mapConsent(payload.lastSubmission, change),
    };
  },
};

const withColumns = new Set([
  'jti',
  'kind',
  'exp',
  'consumed',
  'accountId',
  'clientId',
  'uid',
  'sessionUid',
  'userCode',
  'grantId',
]);

const withoutCookie = (payload: Fields): Fields => {
  const session = fields(payload.session);
  if (!session) return payload;
  const { cookie: _bearer, ...rest } = session;
  return { ...payload, session: rest };
};

const ownId = '{id}';

/** The way back to an interaction names it, and its id is the value of the cookie: the row says where, not which. */
const mapReturn = (payload: Fields, from: string, to: string): Fields =>
  typeof payload.returnTo === 'string' ? { ...payload, returnTo: payload.returnTo.replace(from, () => to) } : payload;

const body = (kind: string, payload: Fields): Fields => {
  const kept = kind === 'Interaction' ? new Set([...withColumns].filter((name) => name !== 'grantId')) : withColumns;
  const rest = Object.fromEntries(Object.entries(payload).filter(([name]) => !kept.has(name)));
  return nested[kind]?.(withoutCookie(rest), hashOf) ?? rest;
};

const timeFields = ['iat', 'iiat', 'loginTs', 'authTime'];

/** Moves the library's times, which it reads off the machine's clock, to the injected clock's time line and back. */
const shifted = (payload: Fields, seconds: number): Fields => {
  if (seconds === 0) return payload;
  const moved = timeFields.filter((name) => typeof payload[name] === 'number');
  return { ...payload, ...Object.fromEntries(moved.map((name) => [name, (payload[name] as number) + seconds])) };
};

export interface RowTimes {
  now: Date;
  /** Seconds by which the injected clock is ahead of the machine's; 0 outside tests. */
  skewSeconds: number;
}

const accountOf = (kind: string, payload: Fields): string | null =>
  text(kind === 'Interaction' ? fields(payload.session)?.accountId : payload.accountId);

const lookupOf = (kind: string, payload: Fields, blindIndex: BlindIndex): string | null => {
  if (kind === 'Session') return hashed(payload.uid);
  return typeof payload.userCode === 'string' ? blindIndex(payload.userCode) : null;
};

/** @param expiresIn seconds; absent for what does not expire */
export const toRow = (
  kind: string,
  id: string,
  payload: AdapterPayload,
  expiresIn: number | undefined,
  { now, skewSeconds }: RowTimes,
  blindIndex: BlindIndex,
): ArtifactRow => {
  const source = payload as Fields;
  return {
    kind,
    id: hashOf(id),
    payload: shifted(body(kind, mapReturn(source, id, ownId)), skewSeconds),
    accountId: accountOf(kind, source),
    clientId: text(source.clientId),
    grantId: kind === 'Interaction' ? null : hashed(source.grantId),
    sessionUid: hashed(kind === 'Session' ? source.uid : source.sessionUid),
    lookup: lookupOf(kind, source, blindIndex),
    consumedAt: null,
    expiresAt: typeof expiresIn === 'number' ? new Date(now.getTime() + expiresIn * 1000) : null,
    createdAt: now,
  };
};

/** How far the end of a session moves before it is written: little against what is left of it. */
const endMoves = (row: ArtifactRow): number => {
  const left = (row.expiresAt?.getTime() ?? 0) - row.createdAt.getTime();
  return Math.min(60_000, left / 20);
};

/** Whether a session as saved says what its row says, but for an end that moved by less than a minute. */
export const isSameSession = (before: ArtifactRow, after: ArtifactRow): boolean =>
  before.accountId === after.accountId &&
  before.lookup === after.lookup &&
  Math.abs((after.expiresAt?.getTime() ?? 0) - (before.expiresAt?.getTime() ?? 0)) < endMoves(after) &&
  // As it would be stored: without what is undefined.
  isDeepStrictEqual(before.payload, JSON.parse(JSON.stringify(after.payload)));

const seconds = (date: Date): number => Math.floor(date.getTime() / 1000);

const present = (values: Fields): Fields => Object.fromEntries(Object.entries(values).filter(([, value]) => value != null));

/** What the library gets back. @param known raw values the caller asked by, which the row does not hold */
export const fromRow = (
  row: ArtifactRow,
  known: { jti: string; uid?: string; userCode?: string },
  skewSeconds: number,
): AdapterPayload => {
  const own = nested[row.kind]?.(row.payload, markerOf) ?? row.payload;
  const references = {
    accountId: row.kind === 'Interaction' ? undefined : row.accountId,
    clientId: row.clientId,
    grantId: row.grantId && markerOf(row.grantId),
    consumed: row.consumedAt && seconds(row.consumedAt),
    exp: row.expiresAt && seconds(row.expiresAt) - skewSeconds,
    ...(row.kind === 'Session'
      ? { uid: known.uid ?? (row.lookup && markerOf(row.lookup)) }
      : { sessionUid: row.sessionUid && markerOf(row.sessionUid) }),
    userCode: known.userCode,
  };
  const payload = shifted(mapReturn(own, ownId, known.jti), -skewSeconds);
  return { ...payload, ...present(references), jti: known.jti, kind: row.kind } as AdapterPayload;
};
