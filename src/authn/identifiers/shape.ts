import {
  canonicalIdentifier,
  type Identifier,
  type IdentifierType,
  isEmailAddress,
  phoneNumberOf,
  userNameOf,
} from '../../identity/index.ts';

/** What was typed, as it would be stored. */
export interface Typed {
  value: string;
  canonical: string;
  /** Of user names: what it looks like. */
  skeleton?: string;
  /** Speaks for the site. */
  isReserved?: boolean;
}

/** RS-10: canonical first, judged after. `undefined`: it is none of that kind. */
export const typedAs: Record<IdentifierType, (typed: string) => Typed | undefined> = {
  email: (typed) => {
    const value = typed.normalize('NFKC').trim();
    return isEmailAddress(value) ? { value, canonical: canonicalIdentifier(value) } : undefined;
  },
  phone: (typed) => {
    const value = phoneNumberOf(typed);
    return value === undefined ? undefined : { value, canonical: value };
  },
  username: (typed) => {
    const name = userNameOf(typed);
    return name && { ...name, canonical: canonicalIdentifier(name.value) };
  },
};

/** Of one person. */
export const mostOf: Record<IdentifierType, number> = { email: 5, phone: 3, username: 1 };

export interface IdentifierView {
  id: string;
  type: IdentifierType;
  value: string;
  verified: boolean;
  primary: boolean;
  /** Whether it is taken at sign-in. */
  signsIn: boolean;
  createdAt: string;
}

export const viewOfIdentifier = (row: Identifier): IdentifierView => ({
  id: row.id,
  type: row.type,
  value: row.value,
  verified: row.verified_at !== null,
  primary: row.is_primary,
  signsIn: row.login_allowed,
  createdAt: row.created_at.toISOString(),
});
