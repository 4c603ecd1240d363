import { domainToASCII } from 'node:url';

const folded = (value: string): string => value.normalize('NFKC').toLowerCase().normalize('NFKC').trim();

/**
 * PW-10: one account per address, however it is written: NFKC, case folded, domain in its ASCII form (RFC 5891), no final dot.
 * The result is what is stored and looked up; it is never shown.
 */
export const canonicalIdentifier = (value: string): string => {
  const name = folded(value);
  const at = name.lastIndexOf('@');
  if (at < 1) return name;
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
