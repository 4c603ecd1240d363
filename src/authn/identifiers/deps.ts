import type { Accounts, IdentifierRepository } from '../../identity/index.ts';
import type { Clock } from '../../platform/ports.ts';
import type { EmailChange } from '../email-change/service.ts';
import type { InRecovery } from '../recovery/unit.ts';
import type { Tickets } from '../tickets/service.ts';
import type { Throttle } from '../tickets/throttle.ts';

export interface IdentifierDeps {
  accounts: Pick<Accounts, 'find'>;
  identifiers: IdentifierRepository;
  tickets: Tickets;
  throttle: Throttle;
  clock: Clock;
  site: {
    issuer: string;
    inRecovery: InRecovery;
    isTextingOffered(): boolean;
    startPromotion: EmailChange['promote'];
  };
}
