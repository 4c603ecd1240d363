import type { FactorPolicyRow } from '../../src/authn/index.ts';
import type { Stand } from './stand.ts';

const administrator = '01900000-0000-7000-8000-0000000000ad';

/** Says who needs a second factor, as the API does: whoever keeps the rules hears of it. */
export const sayFactorRule = ({ app }: Stand, rule: FactorPolicyRow): Promise<FactorPolicyRow> =>
  app.rooms.authn.factorPolicy.put(rule, administrator);

export const withdrawFactorRule = ({ app }: Stand, scope: FactorPolicyRow['scope'], target = ''): Promise<void> =>
  app.rooms.authn.factorPolicy.remove(scope, target, administrator);
