/** WebAuthn L3 §7 with @simplewebauthn/server, and nothing of it elsewhere. Loaded when first needed: it is large. */
import type {
  AuthenticationResponseJSON,
  PublicKeyCredentialCreationOptionsJSON,
  PublicKeyCredentialRequestOptionsJSON,
  RegistrationResponseJSON,
} from '@simplewebauthn/server';

export type CreationOptions = PublicKeyCredentialCreationOptionsJSON;
export type RequestOptions = PublicKeyCredentialRequestOptionsJSON;

export interface RelyingPartyIdentity {
  id: string;
  name: string;
  origin: string;
}

/** EdDSA, ES256, RS256 by their COSE numbers. */
const algorithms = [-8, -7, -257];
const timeoutMs = 300_000;

const library = () => import('@simplewebauthn/server');

interface ClientData {
  type?: unknown;
  challenge?: unknown;
  crossOrigin?: unknown;
  topOrigin?: unknown;
}

/** What the browser says it did; read before anything is believed. `undefined`: not even that. */
export const clientDataOf = (response: unknown): { challenge: string } | undefined => {
  try {
    const { clientDataJSON } = (response as { response: { clientDataJSON: string } }).response;
    const data = JSON.parse(Buffer.from(clientDataJSON, 'base64url').toString('utf8')) as ClientData;
    // MF-08: our pages are in nobody's frame (OP-02), so no ceremony of ours is.
    if (data.crossOrigin === true || data.topOrigin !== undefined) return undefined;
    return typeof data.challenge === 'string' && data.challenge.length <= 200 ? { challenge: data.challenge } : undefined;
  } catch {
    return undefined;
  }
};

export interface RegistrationWish {
  party: RelyingPartyIdentity;
  challenge: string;
  user: { handle: string; name: string; displayName: string };
  /** Ids of credentials the person has already. */
  known: readonly string[];
}

export const creationOptions = async ({ party, challenge, user, known }: RegistrationWish): Promise<CreationOptions> => {
  const { generateRegistrationOptions } = await library();
  return generateRegistrationOptions({
    rpName: party.name,
    rpID: party.id,
    userName: user.name,
    userDisplayName: user.displayName,
    userID: new Uint8Array(Buffer.from(user.handle, 'base64url')),
    challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
    timeout: timeoutMs,
    attestationType: 'none',
    excludeCredentials: known.map((id) => ({ id })),
    authenticatorSelection: { residentKey: 'preferred', userVerification: 'preferred' },
    supportedAlgorithmIDs: algorithms,
  });
};

export const requestOptions = async (
  party: RelyingPartyIdentity,
  challenge: string,
  allowed: readonly { id: string; transports: readonly string[] }[],
  userVerification: 'required' | 'preferred',
): Promise<RequestOptions> => {
  const { generateAuthenticationOptions } = await library();
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: new Uint8Array(Buffer.from(challenge, 'base64url')),
    timeout: timeoutMs,
    userVerification,
    allowCredentials: allowed.map(({ id, transports }) => ({ id, transports: [...transports] })),
  });
};

export interface NewCredential {
  credentialId: string;
  publicKey: string;
  signCount: number;
  aaguid: string;
  transports: string[];
  isBackupEligible: boolean;
  isBackedUp: boolean;
}

/** MF-07: every step of WebAuthn L3 §7.1. @returns `undefined` where one of them fails */
export const verifyRegistration = async (
  response: unknown,
  challenge: string,
  party: RelyingPartyIdentity,
): Promise<NewCredential | undefined> => {
  const { verifyRegistrationResponse } = await library();
  try {
    const { verified, registrationInfo } = await verifyRegistrationResponse({
      response: response as RegistrationResponseJSON,
      expectedChallenge: challenge,
      expectedOrigin: party.origin,
      expectedRPID: party.id,
      requireUserPresence: true,
      requireUserVerification: false,
      supportedAlgorithmIDs: algorithms,
    });
    if (!verified) return undefined;
    const { credential, aaguid, credentialDeviceType, credentialBackedUp } = registrationInfo;
    return {
      credentialId: credential.id,
      publicKey: Buffer.from(credential.publicKey).toString('base64url'),
      signCount: credential.counter,
      aaguid,
      transports: (credential.transports ?? []).filter((one) => /^[a-z-]{1,20}$/.test(one)).slice(0, 10),
      isBackupEligible: credentialDeviceType === 'multiDevice',
      isBackedUp: credentialBackedUp,
    };
  } catch {
    // The library throws for each step that fails; which one it was is the sender's to know.
    return undefined;
  }
};

export interface Assertion {
  signCount: number;
  isUserVerified: boolean;
  isBackupEligible: boolean;
  isBackedUp: boolean;
}

/**
 * MF-08: every step of WebAuthn L3 §7.2 but the counter, which the caller compares so that it can report a clone.
 * @returns `undefined` where one of them fails
 */
export const verifyAssertion = async (
  response: unknown,
  expected: { challenge: string; party: RelyingPartyIdentity; needsUserVerification: boolean },
  credential: { id: string; publicKey: string },
): Promise<Assertion | undefined> => {
  const { verifyAuthenticationResponse } = await library();
  try {
    const { verified, authenticationInfo } = await verifyAuthenticationResponse({
      response: response as AuthenticationResponseJSON,
      expectedChallenge: expected.challenge,
      expectedOrigin: expected.party.origin,
      expectedRPID: expected.party.id,
      requireUserVerification: expected.needsUserVerification,
      credential: { id: credential.id, publicKey: new Uint8Array(Buffer.from(credential.publicKey, 'base64url')), counter: 0 },
    });
    if (!verified) return undefined;
    const { newCounter, userVerified, credentialDeviceType, credentialBackedUp } = authenticationInfo;
    return {
      signCount: newCounter,
      isUserVerified: userVerified,
      isBackupEligible: credentialDeviceType === 'multiDevice',
      isBackedUp: credentialBackedUp,
    };
  } catch {
    return undefined;
  }
};
