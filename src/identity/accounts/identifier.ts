import { domainToASCII } from 'node:url';

const folded = (value: string): string => value.normalize('NFKC').toLowerCase().normalize('NFKC').trim();

/** E.164, as typed by people: spaces, dashes, dots and brackets do not matter. `undefined`: no number with country code. */
export const phoneNumberOf = (typed: string): string | undefined => {
  const number = typed
    .normalize('NFKC')
    .replace(/[\s().\-/]/g, '')
    .replace(/^00/, '+');
  return /^\+[1-9]\d{6,14}$/.test(number) ? number : undefined;
};

/**
 * PW-10: one account per identifier, however it is written: NFKC, case folded, a domain in its ASCII form (RFC 5891) without final
 * dot, a phone number by E.164. The result is what is stored and looked up; it is never shown.
 */
export const canonicalIdentifier = (value: string): string => {
  const name = folded(value);
  const at = name.lastIndexOf('@');
  if (at < 1) return phoneNumberOf(name) ?? name;
  const domain = name.slice(at + 1).replace(/\.$/, '');
  return `${name.slice(0, at)}@${domainToASCII(domain) || domain}`;
};

/** Scripts whose letters are drawn like Latin ones (UTS #39 §4). */
const lookalikes = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u;

const isMixed = (label: string): boolean => /\p{Script=Latin}/u.test(label) && lookalikes.test(label);

/** An address that may be registered: no invisible characters, no label that mixes look-alike scripts, RFC 5321 §4.5.3.1 lengths. */
export const isEmailAddress = (value: string): boolean => {
  const shown = folded(value);
  if (/[\p{C}\s\p{Default_Ignorable_Code_Point}]/u.test(shown) || shown.split(/[@.]/).some(isMixed)) return false;
  const [local = '', domain = '', ...more] = canonicalIdentifier(value).split('@');
  const isLocal = local.length <= 64 && !/["(),:;<>[\\\]]/.test(local) && !/^\.|\.\.|\.$/.test(local);
  const isDomain = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(domain);
  return more.length === 0 && local !== '' && isLocal && isDomain && domain.length <= 253 && shown.length <= 254;
};

/** Latin letters that no decomposition leads to a plain one. */
const plain: Readonly<Record<string, string>> = {
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ı: 'i',
  ł: 'l',
  ø: 'o',
  ŧ: 't',
  æ: 'ae',
  œ: 'oe',
  ß: 'ss',
};

/** What a reader may take it for: marks, look-alike digits and pairs, separators folded. */
const skeletonOf = (name: string): string =>
  name
    .normalize('NFD')
    .replace(/[\p{M}._-]/gu, '')
    .replace(/[đðħıłøŧæœß]/g, (letter) => plain[letter] ?? letter)
    .replaceAll('0', 'o')
    .replaceAll('1', 'l')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w');

/** Names that speak for the site. */
const reserved = new Set(
  ['admin', 'administrator', 'root', 'system', 'support', 'security', 'help', 'castellan', 'postmaster', 'webmaster'].map(
    skeletonOf,
  ),
);

export interface UserName {
  /** As it is stored and shown: NFKC, lower case. */
  value: string;
  /** UTS #39 §4: no two user names may share it. */
  skeleton: string;
  isReserved: boolean;
}

/**
 * A user name: 3 to 32 Latin letters and digits with single dots, dashes or underscores between, at least one letter, so that it
 * can be neither an address nor a number (PW-10). `undefined`: it is none.
 */
export const userNameOf = (typed: string): UserName | undefined => {
  const value = folded(typed);
  if (value.length > 32 || !/^[\p{L}\d][\p{M}]*([._-]?[\p{L}\d][\p{M}]*){2,31}$/u.test(value) || !/\p{L}/u.test(value))
    return undefined;
  const skeleton = skeletonOf(value);
  return /^[a-z\d]+$/.test(skeleton) ? { value, skeleton, isReserved: reserved.has(skeleton) } : undefined;
};
