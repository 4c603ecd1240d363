import { type Client, errors, type KoaContextWithOIDC } from 'oidc-provider';
import { settingsOf } from '../provider/client-view.ts';

/** Seconds that an assertion may live: Authlib's live an hour; under a FAPI profile 10 minutes (TK-03). */
const longest = { usual: 3600, profiled: 600 } as const;
const toleranceSeconds = 10;

/** CL-03, RFC 7523 §3: for us alone, and short-lived. What the core checks of signature, issuer, subject and jti stays its own. */
export const checkAssertion = (ctx: KoaContextWithOIDC, { aud, exp }: Record<string, unknown>, client: Client): void => {
  // RFC 7523 §3 lets an assertion name others beside us, and the FAPI 1.0 plan wants that taken; elsewhere it names us alone.
  const mayNameOthers = settingsOf(client).profile === 'fapi1';
  if (Array.isArray(aud) && aud.length !== 1 && !mayNameOthers) {
    throw new errors.InvalidClientAuth('the assertion must name one audience');
  }
  // FAPI 2.0 Security Profile §5.3.2.1 (8): the issuer, as a string.
  if (ctx.oidc.isFapi('2.0') && aud !== ctx.oidc.issuer) {
    throw new errors.InvalidClientAuth('the audience of the assertion must be the issuer alone');
  }
  const limit = settingsOf(client).profile === undefined ? longest.usual : longest.profiled;
  if (typeof exp !== 'number' || exp > Math.floor(Date.now() / 1000) + limit + toleranceSeconds) {
    throw new errors.InvalidClientAuth(`the assertion may live at most ${limit} seconds`);
  }
};
