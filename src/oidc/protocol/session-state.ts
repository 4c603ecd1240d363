import { createHash, randomBytes } from 'node:crypto';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';

type Middleware = Parameters<Provider['use']>[0];

/** OpenID Connect Session Management 1.0. The one cookie a script may read; it holds no secret (SE-03). */
const cookieName = 'browser_state';
const securePrefix = '__Host-';
export const checkSessionPath = '/session/check';

interface SessionStateDeps {
  provider: Provider;
  /** Whether a client takes part. */
  isOn(client: KoaContextWithOIDC['oidc']['client']): boolean;
  isHttps: boolean;
  /** A stable key of a session, whichever way its uid was read. */
  sessionKey(uid: string): string;
  endSessionConfirmPath: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Written in the JavaScript of 2009 on purpose: pages are framed by all kinds of clients, and the suite runs it in HtmlUnit. */
const script = `
(function () {
  function rotate(value, bits) { return (value >>> bits) | (value << (32 - bits)); }
  function sha256(text) {
    var primes = [], constants = [], hash = [], candidate = 2, i, j;
    function fraction(value) { return ((value - Math.floor(value)) * 4294967296) | 0; }
    while (primes.length < 64) {
      for (i = 0; i < primes.length && candidate % primes[i]; i += 1) {}
      if (i === primes.length) {
        if (primes.length < 8) hash.push(fraction(Math.pow(candidate, 1 / 2)));
        constants.push(fraction(Math.pow(candidate, 1 / 3)));
        primes.push(candidate);
      }
      candidate += 1;
    }
    var bytes = unescape(encodeURIComponent(text)), words = [], length = bytes.length, w = [];
    for (i = 0; i < length; i += 1) words[i >> 2] |= bytes.charCodeAt(i) << (24 - (i % 4) * 8);
    words[length >> 2] |= 0x80 << (24 - (length % 4) * 8);
    words[(((length + 8) >> 6) << 4) + 15] = length * 8;
    for (j = 0; j < words.length; j += 16) {
      var s = hash.slice(0);
      for (i = 0; i < 64; i += 1) {
        if (i < 16) w[i] = words[j + i] | 0;
        else {
          var x = w[i - 15], y = w[i - 2];
          w[i] = ((rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3)) + w[i - 7] + (rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10)) + w[i - 16]) | 0;
        }
        var one = (s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + constants[i] + w[i]) | 0;
        var two = ((rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]))) | 0;
        s = [(one + two) | 0, s[0], s[1], s[2], (s[3] + one) | 0, s[4], s[5], s[6]];
      }
      for (i = 0; i < 8; i += 1) hash[i] = (hash[i] + s[i]) | 0;
    }
    var out = '';
    for (i = 0; i < 8; i += 1) for (j = 28; j >= 0; j -= 4) out += ((hash[i] >>> j) & 15).toString(16);
    return out;
  }
  function state() {
    var found = /(?:^|; *)(?:${securePrefix})?${cookieName}=([^;]*)/.exec(document.cookie);
    return found ? found[1] : '';
  }
  function listen(event) {
    var source = event.source, origin = event.origin;
    var parts = /^([^ ]+) ([0-9a-f]{64})\\.([0-9a-zA-Z_-]+)$/.exec(String(event.data));
    if (!source || source === window || !/^https?:/.test(origin)) return;
    if (!parts) { source.postMessage('error', origin); return; }
    var expected = sha256(parts[1] + ' ' + origin + ' ' + state() + ' ' + parts[3]);
    source.postMessage(expected === parts[2] ? 'unchanged' : 'changed', origin);
  }
  if (window.addEventListener) window.addEventListener('message', listen, false);
  else window.attachEvent('onmessage', listen);
})();
`;
const scriptHash = createHash('sha256').update(script).digest('base64');
const page = `<!doctype html><html><head><meta charset="utf-8"><title>Session</title></head><body><script>${script}</script></body></html>`;

const originOf = (address: unknown): string | undefined =>
  typeof address === 'string' && URL.canParse(address) ? new URL(address).origin : undefined;

/**
 * Adds `session_state` to answers and serves the OP iframe. The browser state is a digest of the session's uid, so that it says
 * nothing, changes with the session and needs no storage.
 */
export const sessionState = ({ provider, isOn, isHttps, sessionKey, endSessionConfirmPath }: SessionStateDeps): Middleware => {
  // A client frames the page from another site: SameSite=None, which needs Secure.
  const attributes = { path: '/', httpOnly: false, signed: false, overwrite: true, secure: isHttps } as const;
  const name = isHttps ? `${securePrefix}${cookieName}` : cookieName;
  const set = (ctx: KoaContextWithOIDC, value: string | null): void => {
    ctx.cookies.set(name, value, { ...attributes, sameSite: isHttps ? 'none' : 'lax' });
  };

  provider.on('authorization.success', (ctx, out) => {
    const { session, client, params } = ctx.oidc;
    const origin = originOf(params?.redirect_uri);
    if (!session?.uid || !client || origin === undefined || !isOn(client)) return;
    const browserState = sha256(`browser state ${sessionKey(session.uid)}`);
    const salt = randomBytes(12).toString('base64url');
    set(ctx, browserState);
    if (out) Object.assign(out, { session_state: `${sha256(`${client.clientId} ${origin} ${browserState} ${salt}`)}.${salt}` });
  });

  return async (ctx, next) => {
    if (ctx.method === 'GET' && ctx.path === checkSessionPath) {
      // SE-08: the one page that may be framed; it holds a script only.
      ctx.remove('X-Frame-Options');
      ctx.set(
        'Content-Security-Policy',
        `default-src 'none'; script-src 'sha256-${scriptHash}'; base-uri 'none'; form-action 'none'`,
      );
      ctx.set('Cross-Origin-Resource-Policy', 'cross-origin');
      ctx.set('Cache-Control', 'public, max-age=3600');
      ctx.type = 'html';
      ctx.body = page;
      return;
    }
    await next();
    const hasEnded = ctx.path === endSessionConfirmPath && ctx.method === 'POST' && ctx.status < 400;
    if (hasEnded && ctx.cookies.get(name, { signed: false })) set(ctx as KoaContextWithOIDC, null);
  };
};
