import type { Level } from '../../platform/assurance/index.ts';
import type { RiskLevel, RiskResponse, SignInAttempt, SignInRisk } from '../../risk/index.ts';
import type { Requirement } from '../policy/repository.ts';
import type { FactorPolicy } from '../policy/service.ts';

export interface DemandDeps {
  policy: Pick<FactorPolicy, 'requirementOf'>;
  assess: SignInRisk['assess'];
}

interface Proven {
  accountId: string;
  method: string;
}

interface Asked {
  clientId?: string | undefined;
  onBehalfOf?: string | undefined;
  neededLevel?: Level | undefined;
  from?: SignInAttempt['from'] | undefined;
}

/** What is asked of a sign-in beyond its first factor. */
export interface Demand {
  risk: RiskLevel;
  requirement: Requirement;
  /** By a rule or by the application. */
  isAsked: boolean;
  /** Says in the log what follows from the risk. */
  explain(response: RiskResponse): void;
}

/** A session that is there is checked by itself. */
const noRisk = { level: 'low', explain: () => undefined } as const;

/** The rules, applied to the person, the application and the risk (FEATURES A9, S1). */
export const createDemand =
  ({ policy, assess }: DemandDeps) =>
  async ({ accountId, method }: Proven, { clientId, onBehalfOf, neededLevel, from }: Asked): Promise<Demand> => {
    const { level: risk, explain } = from === undefined ? noRisk : await assess({ accountId, method, clientId, from });
    const requirement = await policy.requirementOf(accountId, [clientId, onBehalfOf], risk);
    return { risk, requirement, isAsked: neededLevel === 2 || requirement === 'required', explain };
  };
