import assert from 'node:assert/strict';
import { decodeJwt } from 'jose';
import type { Run, SignedIn } from './run.ts';

/** OIDC Core §5.1, §5.4: the claims behind each scope and the type of each. */
export const claimsOfScope: Record<string, readonly string[]> = {
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
};

const typeOf: Record<string, string> = {
  updated_at: 'number',
  email_verified: 'boolean',
  phone_number_verified: 'boolean',
  address: 'object',
};

export const checkTypes = (claims: Record<string, unknown>): void => {
  for (const name of Object.values(claimsOfScope).flat()) {
    if (claims[name] !== undefined) assert.equal(typeof claims[name], typeOf[name] ?? 'string', `type of ${name}`);
  }
  const updated = claims.updated_at;
  if (typeof updated === 'number') assert(updated > 1e8 && updated < 1e11, 'updated_at is in seconds');
};

/** Where the claims of a scope are to be found: UserInfo, or the ID token when there is no access token (OIDC Core §5.4). */
export const claimsFrom = async (run: Run, signedIn: SignedIn): Promise<Record<string, unknown>> => {
  if (run.variant.response_type === 'id_token') return signedIn.idToken;
  const answer = await run.userinfo(signedIn.accessToken);
  assert.equal(answer.status, 200, `userinfo answers: ${answer.body}`);
  return checkUserinfo(answer.headers.get('content-type') ?? '', answer.json, signedIn);
};

export const checkUserinfo = (
  contentType: string,
  claims: Record<string, unknown>,
  { idToken }: SignedIn,
): Record<string, unknown> => {
  assert.match(contentType, /^application\/json/);
  assert.equal(claims.sub, idToken.sub, 'the subject is the ID token’s');
  checkTypes(claims);
  return claims;
};

/** Names that the ID token of a front-channel or token answer may not carry unasked while UserInfo can be called. */
export const leakedClaims = (run: Run, { rawIdToken, callback }: SignedIn, names: readonly string[]): string[] => {
  if (run.variant.response_type === 'id_token') return [];
  const front = callback.parameters.get('id_token');
  const tokens = [rawIdToken, ...(front === null ? [] : [front])];
  return tokens.flatMap((token) => names.filter((name) => decodeJwt(token)[name] !== undefined));
};
