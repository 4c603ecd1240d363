/**
 * One place for the addresses in a registration (RU-03, RFC 9700 §2.1, RFC 8252 §7): allow-listed schemes, exact text, nothing a
 * browser would read in another way.
 */
const loopbackHosts = new Set(['localhost', '127.0.0.1', '[::1]']);

const parse = (address: string): URL | undefined => (URL.canParse(address) ? new URL(address) : undefined);

/** What a parser would silently change is refused: what is registered is what is compared. */
const textProblem = (address: string): string | undefined => {
  if (!/^[\x21-\x7E]+$/.test(address)) return 'must be ASCII without spaces';
  if (/[\\*<>"`{}|^]/.test(address)) return 'holds a character that is not allowed in a URI';
  return undefined;
};

const webProblem = (url: URL, isPlainHost: (host: string) => boolean): string | undefined => {
  if (url.username !== '' || url.password !== '') return 'must hold no user or password';
  if (url.protocol === 'https:' || loopbackHosts.has(url.hostname) || isPlainHost(url.hostname)) return undefined;
  return 'must be https unless it is on loopback';
};

const isWeb = (url: URL): boolean => url.protocol === 'https:' || url.protocol === 'http:';

/** An address that browsers or we ourselves open. @param isPlainHost hosts that may be reached over http */
export const webAddressProblem = (address: string, isPlainHost: (host: string) => boolean = () => false): string | undefined => {
  const url = parse(address);
  if (!url || !/^https?:\/\//i.test(address)) return 'must be an https URL';
  return textProblem(address) ?? webProblem(url, isPlainHost);
};

const nativeProblem = (url: URL): string | undefined => {
  // RFC 8252 §7.1: a private-use scheme is a domain name turned round; javascript:, data: and their like have no dot.
  if (!url.protocol.includes('.')) return `scheme ${url.protocol.slice(0, -1)} is not allowed`;
  return undefined;
};

interface RedirectOptions {
  isNative: boolean;
  isImplicit: boolean;
}

/** OpenID Connect Registration §2: implicit web clients have https off loopback; native ones claim no https on loopback. */
const flowProblem = ({ protocol, hostname }: URL, { isNative, isImplicit }: RedirectOptions): string | undefined => {
  const isLoopback = loopbackHosts.has(hostname);
  if (isNative) return protocol === 'https:' && isLoopback ? 'must be http on loopback for a native application' : undefined;
  return isImplicit && (protocol === 'http:' || hostname === 'localhost')
    ? 'must be https off localhost for implicit'
    : undefined;
};

/** A place that a browser is sent to with an answer. */
export const redirectProblem = (address: string, options: RedirectOptions): string | undefined => {
  const url = parse(address);
  if (!url) return 'must be an absolute URI';
  if (address.includes('#')) return 'must have no fragment';
  const problem = textProblem(address);
  if (problem !== undefined) return problem;
  if (!isWeb(url)) return options.isNative ? nativeProblem(url) : `scheme ${url.protocol.slice(0, -1)} is not allowed`;
  if (!/^https?:\/\//i.test(address)) return 'must be an absolute URI';
  return webProblem(url, () => false) ?? flowProblem(url, options);
};

/** In what an address differs from one that is registered. */
export type RedirectDifference = 'scheme' | 'host' | 'port' | 'path' | 'query' | 'case' | 'slash' | 'other';

export interface RedirectVerdict {
  accepted: boolean;
  /** Where it is not: the registered address that is nearest, and the first thing that differs. */
  nearest?: { address: string; difference: RedirectDifference };
}

const literalLoopback = /^http:\/\/(127\.0\.0\.1|\[::1\])(?::\d+)?(?=[/?]|$)/;

/** RFC 8252 §7.3: of a native application's literal loopback address the port may vary. */
const withoutPort = (address: string): string => address.replace(literalLoopback, 'http://$1');

const differenceOf = (asked: string, registered: string): RedirectDifference => {
  if (asked.toLowerCase() === registered.toLowerCase()) return 'case';
  if (asked === `${registered}/` || `${asked}/` === registered) return 'slash';
  const [one, other] = [parse(asked), parse(registered)];
  if (!one || !other) return 'other';
  const parts = [
    ['scheme', 'protocol'],
    ['host', 'hostname'],
    ['port', 'port'],
    ['path', 'pathname'],
    ['query', 'search'],
  ] as const;
  return parts.find(([, part]) => one[part] !== other[part])?.[0] ?? 'other';
};

const nearness: readonly RedirectDifference[] = ['case', 'slash', 'query', 'path', 'port', 'scheme', 'host', 'other'];

/** Whether a request with this address would be answered there (RU-01, RU-02): equal character by character. */
export const compareRedirect = (asked: string, registered: readonly string[], isNative: boolean): RedirectVerdict => {
  const isSame = (address: string): boolean =>
    address === asked || (isNative && literalLoopback.test(asked) && withoutPort(address) === withoutPort(asked));
  if (registered.some(isSame)) return { accepted: true };
  const [nearest] = registered
    .map((address) => ({ address, difference: differenceOf(asked, address) }))
    .sort((a, b) => nearness.indexOf(a.difference) - nearness.indexOf(b.difference));
  return { accepted: false, ...(nearest ? { nearest } : {}) };
};
