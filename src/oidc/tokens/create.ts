import type { Provider } from 'oidc-provider';
import type { Config } from '../../platform/config/index.ts';
import { type Envelope, sha256 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { type ArtifactStore, createReplays, hashOf } from '../adapters/index.ts';
import type { KeySource, ResourceSource } from '../ports.ts';
import { createDpopNonces, dpopNonceSecret } from '../protocol/dpop-nonces.ts';
import { createDpopProofs, rememberedSeconds } from '../protocol/dpop-proofs.ts';
import { certificateReader } from '../protocol/mutual-tls.ts';
import { createSenderConstraint } from '../protocol/sender-constraint.ts';
import { createActiveTokens } from './active.ts';
import { createAuthenticator } from './authenticator.ts';
import { createHolderCheck } from './holder.ts';
import { createIntrospectionPolicy } from './introspection-policy.ts';
import { createStructuredTokens } from './structured.ts';

export interface TokenRoomDeps {
  /** What the room is given, as it came. */
  given: { config: Config; clock: Clock; envelope: Envelope };
  provider(): Provider;
  keys: KeySource;
  store: ArtifactStore;
  resources: Pick<ResourceSource, 'find'>;
}

/** What is told of the access tokens we issued, and to whom, joined. */
export const createTokenRoom = ({ given, provider, keys, store, resources }: TokenRoomDeps) => {
  const { config, clock, envelope } = given;
  const { issuer } = config;
  const structured = createStructuredTokens({ issuer, keys, clock });
  const active = createActiveTokens({ provider, structured, store });
  const proofs = createDpopProofs({ nonces: createDpopNonces(dpopNonceSecret(envelope)) });
  const certificateOf = certificateReader(config);
  const replays = createReplays(store);
  // The core's name for it: a proof is one proof, wherever it is shown.
  const isFirst = (clientId: string, jti: string): Promise<boolean> =>
    replays.claim(hashOf(sha256(`${clientId}${jti}`)), rememberedSeconds);
  const checkHolder = createHolderCheck({ proofs, certificateOf, isFirst });
  return {
    structured,
    active,
    policy: createIntrospectionPolicy(resources),
    authenticator: createAuthenticator({ issuer, active, checkHolder, nextNonce: proofs.nonces.next }),
    bind: (built: Provider) => createSenderConstraint({ provider: built, issuer, proofs, certificateOf }),
  };
};
