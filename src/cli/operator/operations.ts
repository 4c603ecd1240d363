import type { Rooms } from '../../app.ts';
import { CommandFailed } from '../../exit.ts';
import { isEmailAddress } from '../../identity/index.ts';
import { isUuid } from '../../platform/crypto/index.ts';
import type { ListedEntry, OutboxState } from '../../platform/events/index.ts';
import type { MailMessage } from '../../platform/ports.ts';
import { smsTopic, type TextMessage } from '../../platform/sms/index.ts';
import { findingsWithin } from '../checks/within.ts';
import { invariantFindings } from '../invariants/index.ts';
import { writeBackup } from '../restore/backup.ts';
import { lookAfterRestore } from '../restore/service.ts';

/** What an operator did at the command line: no person, no client. */
const operator = { actor: { type: 'system' } } as const;

interface AccountWish {
  email: string;
  name?: string | undefined;
  /** `hash`: as another system stored it. */
  secret: { password: string } | { hash: string };
  emailVerified: boolean;
  roles: readonly string[];
}

const passwordWords: Record<string, string> = {
  email_invalid: 'that is not an e-mail address',
  password_short: 'the password is too short',
  password_long: 'the password is too long',
  password_used: 'the password was used before',
};

/** @throws CommandFailed that names every problem */
const refuseProblems = (problems: readonly string[]): void => {
  if (problems.length === 0) return;
  throw new CommandFailed(problems.map((problem) => passwordWords[problem] ?? 'the password is too easy to guess').join('\n'));
};

/** @throws CommandFailed for a password that may not be chosen, or a hash that cannot be compared with */
const storedHash = async (
  authn: Rooms['authn'],
  email: string,
  secret: AccountWish['secret'],
  claims: object,
): Promise<string> => {
  if ('password' in secret) {
    refuseProblems(await authn.accountProblems(email, secret.password, { ...claims }));
    return authn.hashPassword(secret.password);
  }
  if (!isEmailAddress(email)) refuseProblems(['email_invalid']);
  const stored = authn.foreignHash(secret.hash);
  if (stored === undefined)
    throw new CommandFailed('that is no password hash that is known here, or one that costs too much to compare');
  return stored;
};

const userOperations = ({ accounts, authn, authz, oidc }: Rooms) => ({
  'user.create': async ({ email, name, secret, emailVerified, roles }: AccountWish) => {
    const unknown = await authz.unknownRoles(roles);
    if (unknown.length > 0) throw new CommandFailed(`there is no role ${unknown.join(', ')}`);
    const claims = name === undefined ? {} : { name };
    const passwordHash = await storedHash(authn, email, secret, claims);
    const wish = { email, emailVerified, passwordHash, claims, source: 'operator' } as const;
    const id = await accounts.create(wish, async (trx, made) => {
      for (const role of roles) await authz.assignAsSystem(trx, made, role);
    });
    if (id === undefined) throw new CommandFailed(`there is an account with the address ${email}`);
    return { id, email };
  },
  'user.password': async ({ login, password }: { login: string; password: string }) => {
    const id = await accounts.idOf(login);
    if (id === undefined) throw new CommandFailed(`there is no account ${login}`);
    const claims = (await accounts.find(id))?.claims ?? {};
    refuseProblems(await authn.accountProblems(String(claims.email ?? login), password, { ...claims, accountId: id }));
    const { actor } = operator;
    const hash = await authn.hashPassword(password);
    await accounts.changePassword(
      id,
      hash,
      (trx) => oidc.endings.endAccountIn(trx, id, { cause: 'password_changed', actor }),
      actor,
    );
    return { id };
  },
  'user.list': ({ search, limit }: { search?: string | undefined; limit: number }) => accounts.list(search, limit),
});

const clientOperations = ({ oidc: { clients } }: Rooms) => ({
  /** Metadata by the names of RFC 7591. The secret is in this answer and nowhere else. */
  'client.create': async ({ metadata }: { metadata: Record<string, unknown> }) =>
    (await clients.admin.create(metadata, operator)).view,
  'client.list': async ({ limit }: { limit: number }) =>
    (await clients.admin.list({}, limit, undefined)).map((view) => ({
      clientId: view.client_id,
      name: view.client_name,
      source: view.source,
      authentication: view.token_endpoint_auth_method ?? 'client_secret_basic',
      redirectUris: view.redirect_uris ?? [],
      disabledAt: view.disabledAt,
    })),
});

const keyOperations = ({ oidc: { keys } }: Rooms) => ({
  'keys.list': async () => keys.list(),
  'keys.rotate': async ({ alg }: { alg?: string | undefined }) => keys.rotate(alg),
  'keys.retire': async ({ kid, isCompromised }: { kid: string; isCompromised: boolean }) => {
    await (isCompromised ? keys.withdraw(kid) : keys.retire(kid));
    return keys.list();
  },
});

const revocationOperations = ({ oidc: { revocations } }: Rooms) => ({
  'revoke.all': async (wish: { organizationId?: string | undefined; reason?: string | undefined }) => {
    const { organizationId } = wish;
    if (organizationId !== undefined && !isUuid(organizationId)) throw new CommandFailed('the id of an organization is a UUID');
    const { revokedBefore } = await revocations.revoke({ ...wish, ...operator });
    const scope = organizationId === undefined ? 'everything' : 'organization';
    return { scope, organizationId, revokedBefore: revokedBefore.toISOString() };
  },
});

const outboxOperations = ({ foundation: { outbox }, mail, sms }: Rooms) => {
  const mailOf = async ({ topic, payload }: ListedEntry) => {
    if (topic === smsTopic && typeof payload.template === 'string') {
      const message = payload as unknown as TextMessage;
      return { to: message.to, subject: undefined, text: sms.render(message) };
    }
    if (topic !== 'mail' || typeof payload.template !== 'string') return undefined;
    const message = payload as unknown as MailMessage;
    const { subject, text } = await mail.render(message);
    return { to: message.to, subject, text };
  };
  const shown = async (entry: ListedEntry) => {
    const { id, topic, state, attempts, createdAt, availableAt, lastError } = entry;
    const letter = await mailOf(entry);
    const times = { createdAt: createdAt.toISOString(), availableAt: availableAt.toISOString() };
    return { id, topic, state, attempts, ...times, lastError, to: letter?.to, subject: letter?.subject };
  };
  const find = async (id: string): Promise<ListedEntry> => {
    const entry = isUuid(id) ? await outbox.find(id) : undefined;
    if (!entry) throw new CommandFailed(`there is no entry ${id} in the outbox`);
    return entry;
  };
  return {
    'outbox.list': async (filter: { topic?: string; state?: OutboxState; limit: number }) =>
      Promise.all((await outbox.list(filter)).map(shown)),
    'outbox.show': async ({ id }: { id: string }) => {
      const entry = await find(id);
      return { ...(await shown(entry)), text: (await mailOf(entry))?.text, payload: entry.payload };
    },
    'outbox.retry': async ({ id }: { id: string }) => {
      const { state } = await find(id);
      if (!(await outbox.revive(id))) throw new CommandFailed(`entry ${id} is ${state}: only a dead one is tried again`);
      return { id };
    },
  };
};

/** What commands ask of the rooms: in this process, or in the server that owns the database. Answers survive JSON. */
export const createOperations = (rooms: Rooms) => ({
  ...userOperations(rooms),
  ...clientOperations(rooms),
  ...keyOperations(rooms),
  ...revocationOperations(rooms),
  ...outboxOperations(rooms),
  'doctor.within': async () => findingsWithin(rooms.foundation),
  'doctor.afterRestore': async () => lookAfterRestore(rooms),
  'backup.write': async ({ file }: { file: string }) => writeBackup(rooms, file),
  'doctor.invariants': async () => invariantFindings(rooms.foundation),
});

export type Operations = ReturnType<typeof createOperations>;
type OperationName = keyof Operations;
type InputOf<Name extends OperationName> = Parameters<Operations[Name]> extends [infer Input] ? Input : Record<string, never>;

/** Does one operation, wherever the rooms are. */
export type Operate = <Name extends OperationName>(
  name: Name,
  input: InputOf<Name>,
) => Promise<Awaited<ReturnType<Operations[Name]>>>;
