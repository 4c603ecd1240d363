import type { Provider } from 'oidc-provider';
import type { Config } from '../../platform/config/index.ts';
import type { Envelope } from '../../platform/crypto/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Clock, Mailer } from '../../platform/ports.ts';
import type { ArtifactStore } from '../adapters/index.ts';
import type { AccountSource, FactorDemand, ResourceSource, Transaction, TransactionalSinks } from '../ports.ts';
import { createApprovalAnswers } from './answers.ts';
import { automaticApproval } from './automatic.ts';
import { createPings } from './pings.ts';
import { createApprovals } from './service.ts';

export interface ApprovalRoomDeps {
  provider(): Provider;
  store: Pick<ArtifactStore, 'inUnit'>;
  resources: Pick<ResourceSource, 'find'>;
  /** What the room is given, as it came. */
  given: {
    config: Pick<Config, 'issuer' | 'profile'>;
    database: Database;
    clock: Clock;
    envelope: Envelope;
    sinks: TransactionalSinks;
    accounts: Pick<AccountSource, 'find'>;
    factors: FactorDemand;
    mail(trx: Transaction): Mailer;
  };
}

/** CIBA: requests that wait, the person's side of them, and what the client is told, joined. */
export const createApprovalRoom = ({ provider, store, resources, given }: ApprovalRoomDeps) => {
  const { config, sinks, clock } = given;
  const isTest = config.profile === 'conformance';
  const approvals = createApprovals({ ...given, issuer: config.issuer, isUnlimited: isTest });
  const pages = createApprovalAnswers({ provider, store, approvals, resources, ...given });
  const pings = createPings({ provider, sinks });
  const attach = (built: Provider): void => {
    pings.attach(built);
    if (isTest) built.use(automaticApproval({ provider, approvals, answer: pages.answerUnasked, clock }));
  };
  return { approvals, pages, pings, attach };
};
