import { errors as coreErrors, type Grant, type Interaction, type InteractionResults, type Provider } from 'oidc-provider';
import type { Actor, AuditEvent } from '../../platform/ports.ts';
import { type ArtifactStore, hashOf } from '../adapters/index.ts';
import type { Consents } from '../consents/service.ts';
import { errors } from '../errors.ts';
import type { ResourceSource } from '../ports.ts';
import { wishedLevel } from '../provider/acr.ts';
import { clientViewOf } from '../provider/client-view.ts';
import { onBehalfOf, stepUpReasons, switchReason } from '../provider/interaction-policy.ts';
import type { ConsentRequest, Exchange, InteractionDetails, Interactions, LoginOutcome } from '../surface.ts';

interface InteractionDeps {
  provider(): Provider;
  store: Pick<ArtifactStore, 'inUnit' | 'clock'>;
  consents: Consents;
  resources: Pick<ResourceSource, 'find'>;
}

/** What the core says is missing from the grant. */
interface Missing {
  missingOIDCScope?: string[];
  missingOIDCClaims?: string[];
  missingResourceScopes?: Record<string, string[]>;
  rar?: Record<string, unknown>[];
}

const stepUps = new Set<string>(Object.values(stepUpReasons));

const partiesOf = ({ session, params }: Interaction) => {
  const subjectId = session?.accountId;
  const actor: Actor = subjectId === undefined ? { type: 'anonymous' } : { type: 'user', id: subjectId };
  const sessionUid = session?.uid === undefined ? undefined : hashOf(session.uid);
  return { actor, subjectId, clientId: String(params.client_id), sessionUid };
};

const missingOf = ({ prompt }: Interaction): Missing => prompt.details as Missing;

/** What the person agreed to: scopes of OpenID Connect and of resources. */
const agreed = (interaction: Interaction): AuditEvent => {
  const { missingOIDCScope = [], missingResourceScopes = {} } = missingOf(interaction);
  const scopes = [...missingOIDCScope, ...Object.values(missingResourceScopes).flat()];
  return { type: 'oidc.consent.granted', outcome: 'success', ...partiesOf(interaction), details: { scopes } };
};

export const createInteractionService = ({ provider, store, consents, resources }: InteractionDeps): Interactions => {
  const stored = async ({ req, res }: Exchange): Promise<Interaction> => {
    try {
      return await provider().interactionDetails(req, res);
    } catch (error) {
      if (error instanceof coreErrors.SessionNotFound) throw errors.interaction_not_found({ cause: error });
      throw error;
    }
  };

  const finish = async ({ req, res }: Exchange, result: InteractionResults): Promise<string> =>
    store.inUnit(() => provider().interactionResult(req, res, result, { mergeWithLastSubmission: true }));

  const consentOf = async (interaction: Interaction): Promise<ConsentRequest> => {
    const { missingOIDCScope = [], missingOIDCClaims = [], missingResourceScopes = {}, rar = [] } = missingOf(interaction);
    const asked = await Promise.all(
      Object.entries(missingResourceScopes).map(async ([identifier, names]) => {
        const record = await resources.find(identifier);
        const scopes = names.map((name) => ({
          name,
          description: record?.scopes.find((scope) => scope.name === name)?.description,
        }));
        return { identifier, name: record?.name ?? identifier, scopes };
      }),
    );
    return { scopes: missingOIDCScope, claims: missingOIDCClaims, resources: asked, authorizationDetails: rar };
  };

  const detailsOf = async (interaction: Interaction): Promise<InteractionDetails> => {
    const { uid, params, prompt, session } = interaction;
    const client = await provider().Client.find(String(params.client_id));
    if (!client) throw errors.interaction_not_found();
    return {
      uid,
      params,
      prompt: { name: prompt.name as InteractionDetails['prompt']['name'], reasons: prompt.reasons, details: prompt.details },
      client: clientViewOf(client),
      accountId: session?.accountId,
      acr: session?.acr,
      amr: session?.amr,
      neededLevel: wishedLevel(params),
      onBehalfOf: onBehalfOf(params),
      isStepUp: session?.accountId !== undefined && prompt.reasons.every((reason) => stepUps.has(reason)),
      isSwitch: prompt.reasons.includes(switchReason),
      isDevice: interaction.deviceCode !== undefined,
      consent: prompt.name === 'consent' ? await consentOf(interaction) : undefined,
    };
  };

  const grantFor = async (interaction: Interaction): Promise<Grant> => {
    const { Grant: GrantModel } = provider();
    const known = interaction.grantId === undefined ? undefined : await GrantModel.find(interaction.grantId);
    return (
      known ?? new GrantModel({ accountId: interaction.session?.accountId ?? '', clientId: String(interaction.params.client_id) })
    );
  };

  const allowShown = (
    grant: Grant,
    { missingOIDCScope, missingOIDCClaims, missingResourceScopes = {}, rar = [] }: Missing,
  ): void => {
    if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(' '));
    if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
    for (const [resource, scopes] of Object.entries(missingResourceScopes)) grant.addResourceScope(resource, scopes.join(' '));
    for (const detail of rar) grant.addRar(detail as Parameters<Grant['addRar']>[0]);
  };

  /** The core reckons in the machine's time; what is stored is moved to the injected clock's. */
  const machineSeconds = (time: Date): number => Math.floor((Date.now() - (store.clock.now().getTime() - time.getTime())) / 1000);

  const loginOf = ({ accountId, acr, amr, authTime, remember }: LoginOutcome): NonNullable<InteractionResults['login']> => ({
    accountId,
    ...(acr === undefined ? {} : { acr }),
    ...(amr === undefined ? {} : { amr: [...amr] }),
    ...(authTime === undefined ? {} : { ts: machineSeconds(authTime) }),
    remember: remember !== false,
  });

  return {
    details: async (exchange) => detailsOf(await stored(exchange)),
    finishLogin: async (exchange, outcome) => {
      await stored(exchange);
      return finish(exchange, { login: loginOf(outcome) });
    },
    finishSelectAccount: (exchange) => finish(exchange, { select_account: {} }),
    finishTerms: (exchange) => finish(exchange, { terms: {} }),
    switchAccount: (exchange) => finish(exchange, { select_account: { isSwitch: true } }),
    allow: async (exchange) => {
      const interaction = await stored(exchange);
      const { session, params } = interaction;
      return store.inUnit(async (unit) => {
        const grant = await grantFor(interaction);
        allowShown(grant, missingOf(interaction));
        const grantId = await grant.save();
        const { openid, resources: granted } = grant;
        await consents.remember(session?.accountId ?? '', String(params.client_id), { openid, resources: granted });
        unit.record(agreed(interaction));
        const { req, res } = exchange;
        return provider().interactionResult(req, res, { consent: { grantId } }, { mergeWithLastSubmission: true });
      });
    },
    deny: async ({ req, res }) => {
      const interaction = await stored({ req, res });
      return store.inUnit((unit) => {
        if (interaction.prompt.name === 'consent')
          unit.record({ type: 'oidc.consent.denied', outcome: 'denied', ...partiesOf(interaction) });
        const result = { error: 'access_denied', error_description: 'End-User refused' };
        return provider().interactionResult(req, res, result, { mergeWithLastSubmission: true });
      });
    },
  };
};
