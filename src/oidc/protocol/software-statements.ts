import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import type { RegistrationPolicy } from './registration-policy.ts';

/** The statement cannot be believed; `error` is the code of RFC 7591 §3.2.2. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
  readonly error: 'invalid_software_statement' | 'unapproved_software_statement';
  constructor(error: StatementError['error'], message: string) {
    super(message);
    this.error = error;
  }
}

const algorithms = ['PS256', 'ES256', 'RS256', 'EdDSA'];
/** Registered claims of the JWT itself say nothing about the client. */
const ownClaims = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti']);

const issuerOf = (statement: string): string | undefined => {
  try {
    return decodeJwt(statement).iss;
  } catch {
    throw new StatementError('invalid_software_statement', 'the software statement cannot be read');
  }
};

/**
 * RFC 7591 §2.3, §3.1.1: what a believed statement says of the client takes precedence over the request.
 * @throws StatementError
 */
export const withSoftwareStatement = async (
  policy: NonNullable<RegistrationPolicy['softwareStatements']>,
  metadata: Record<string, unknown>,
): Promise<Record<string, unknown>> => {
  const { software_statement: statement } = metadata;
  if (typeof statement !== 'string') {
    if (policy.isRequired) throw new StatementError('unapproved_software_statement', 'a software statement is required');
    return metadata;
  }
  const issuer = issuerOf(statement);
  const trusted = policy.issuers.find((candidate) => candidate.issuer === issuer);
  if (!trusted) throw new StatementError('unapproved_software_statement', 'the issuer of the software statement is not known');
  try {
    const keys = createLocalJWKSet(trusted.jwks as JSONWebKeySet);
    const { payload } = await jwtVerify(statement, keys, { issuer: trusted.issuer, algorithms });
    const said = Object.entries(payload).filter(([name]) => !ownClaims.has(name));
    return { ...metadata, ...Object.fromEntries(said) };
  } catch {
    throw new StatementError('invalid_software_statement', 'the software statement does not verify');
  }
};
