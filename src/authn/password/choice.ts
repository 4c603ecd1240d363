import type { Hasher } from './hashing.ts';
import type { Weakness } from './strength.ts';

/** What is wrong with a password that somebody wants to have (PW-07). Composition and age never are. */
export type PasswordProblem =
  | 'password_short'
  | 'password_long'
  | 'password_breached'
  | 'password_personal'
  | 'password_weak'
  | 'password_used';

/** NIST SP 800-63B-4 §3.1.1.2, in characters. */
export const passwordLength = { least: 8, most: 128 } as const;

const problemOf: Record<Weakness, PasswordProblem> = {
  breached: 'password_breached',
  personal: 'password_personal',
  guessable: 'password_weak',
};

/** What is known of whoever chooses. */
export interface Chooser {
  /** Absent at sign-up. */
  accountId?: string | undefined;
  claims: Readonly<Record<string, unknown>>;
}

export interface ChoiceDeps {
  hasher: Pick<Hasher, 'verify' | 'weakness'>;
  accounts: { passwordHashes(id: string): Promise<string[]> };
  /** Names of the site: its host and what it calls itself. */
  siteWords: readonly string[];
}

const personalClaims = [
  'email',
  'name',
  'given_name',
  'family_name',
  'nickname',
  'preferred_username',
  'phone_number',
  'birthdate',
];

/** Each claim whole and in its words: "Alice Nguyen", "alice", "nguyen"; "alice@acme.example", "alice", "acme". */
const wordsOf = (text: string): string[] => [text, ...text.split(/[^\p{L}\p{N}]+/u), text.split('@')[0] ?? ''].filter(Boolean);

export const createPasswordChoice = ({ hasher, accounts, siteWords }: ChoiceDeps) => {
  const context = (claims: Chooser['claims']): string[] => {
    const known = personalClaims.map((name) => claims[name]).filter((value) => typeof value === 'string');
    return [...new Set([...known, ...siteWords].flatMap(wordsOf))].slice(0, 60);
  };

  const isUsed = async (password: string, accountId: string): Promise<boolean> => {
    for (const hash of await accounts.passwordHashes(accountId)) if (await hasher.verify(password, hash)) return true;
    return false;
  };

  return {
    /** @throws HashingBusy */
    problems: async (password: string, { accountId, claims }: Chooser): Promise<PasswordProblem[]> => {
      // PW-06: characters, not UTF-16 units.
      const length = [...password.normalize('NFKC')].length;
      if (length < passwordLength.least) return ['password_short'];
      if (length > passwordLength.most) return ['password_long'];
      const weakness = await hasher.weakness(password, context(claims));
      if (weakness !== undefined) return [problemOf[weakness]];
      return accountId !== undefined && (await isUsed(password, accountId)) ? ['password_used'] : [];
    },
  };
};

export type PasswordChoice = ReturnType<typeof createPasswordChoice>;
