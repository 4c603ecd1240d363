import type { Authn } from './authn/index.ts';
import { type Authz, superAdmin } from './authz/index.ts';
import { type Bootstrap, conformancePerson } from './bootstrap.ts';
import type { Accounts, Alongside, Directory } from './identity/index.ts';
import { type Config, ConfigError } from './platform/config/index.ts';
import { randomSecret } from './platform/crypto/index.ts';
import { Refusal } from './platform/errors/index.ts';

interface PeopleDeps {
  accounts: Accounts;
  authn: Authn;
  authz: Authz;
  directory: Pick<Directory, 'organizations'>;
}

const system = { actor: { type: 'system' }, scope: 'all' } as const;

/** Organizations of the bootstrap file: made with their members where absent, left alone where there. @throws ConfigError */
const createOrganizations = async ({ accounts, directory }: PeopleDeps, wishes: Bootstrap['organizations']): Promise<void> => {
  for (const [index, { members = [], ...wish }] of wishes.entries()) {
    const refuse = (error: unknown): never => {
      if (!(error instanceof Refusal) || error.status >= 500) throw error;
      const [{ path, message } = { path: '', message: error.message }] = error.errors;
      throw new ConfigError([`BOOTSTRAP_FILE: /organizations/${index}${path} ${message}`]);
    };
    const ids = await Promise.all(members.map(accounts.idOf));
    const known = ids.filter((id) => id !== undefined);
    await directory.organizations.ensure(system, wish, known).catch(refuse);
  }
};

/** First administrator, people of the bootstrap file, the tester of PROFILE=conformance: created only where they are absent. */
export const createPeople = async (deps: PeopleDeps, config: Config, bootstrap: Bootstrap) => {
  const { accounts, authn, authz } = deps;
  const person = async (
    email: string,
    password: string | undefined,
    claims: Record<string, unknown>,
    roles: readonly string[],
  ) => {
    if ((await accounts.idOf(email)) !== undefined) return undefined;
    const chosen = password ?? randomSecret(16);
    const emailVerified = claims.email_verified === true;
    const passwordHash = await authn.hashPassword(chosen);
    // With their roles or not at all: a first administrator without the role would never be made up for (F-11).
    const withRoles: Alongside = async (trx, id) => {
      for (const role of roles) await authz.assignAsSystem(trx, id, role);
    };
    const id = await accounts.create({ email, emailVerified, passwordHash, claims, source: 'bootstrap' }, withRoles);
    // A replica that started at the same time was first, with a password of its own.
    return id === undefined ? undefined : chosen;
  };
  const mistakes = await authz.unknownRoles(bootstrap.users.flatMap(({ roles = [] }): string[] => roles));
  if (mistakes.length > 0) throw new ConfigError(mistakes.map((role) => `BOOTSTRAP_FILE: there is no role ${role}`));
  const { email, password } = config.bootstrapAdmin;
  const administrator = (await accounts.isEmpty())
    ? await person(email, password, { email_verified: true }, [superAdmin])
    : undefined;
  for (const { email: address, password: secret, roles = [], ...claims } of bootstrap.users) {
    await person(address, secret, claims, roles);
  }
  await createOrganizations(deps, bootstrap.organizations);
  const tester =
    config.profile === 'conformance'
      ? await person(
          conformancePerson.email,
          config.conformancePassword,
          { ...conformancePerson.claims, email_verified: true },
          [],
        )
      : undefined;
  return {
    firstAdministrator:
      administrator === undefined ? undefined : { email, password: password === undefined ? administrator : undefined },
    conformancePerson: tester === undefined ? undefined : { email: conformancePerson.email, password: tester },
  };
};
