import type { FieldError } from '../../platform/errors/index.ts';
import type { ClientSettings } from '../ports.ts';
import { judgeClient, type RuleOptions } from './rules.ts';
import { settingNames } from './schema.ts';

/** A registration taken apart: what goes where in the table. */
export interface Registration {
  metadata: Record<string, unknown>;
  settings: ClientSettings;
  isFirstParty: boolean;
  organizationId: string | null;
  /** Brought along by the bootstrap file, or made by the core for a client that registers itself. */
  secret: string | undefined;
}

const kept = new Set(['client_id', 'client_secret', 'first_party', 'organization_id', ...Object.keys(settingNames)]);

const settingsIn = (input: Readonly<Record<string, unknown>>): ClientSettings =>
  Object.fromEntries(
    Object.entries(settingNames).flatMap(([name, setting]) => (input[name] === undefined ? [] : [[setting, input[name]]])),
  );

/** The settings again by the names they are written with. */
export const settingsOut = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settingNames).flatMap(([name, setting]) =>
      settings[setting] === undefined ? [] : [[name, settings[setting]]],
    ),
  );

const metadataIn = (input: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(input).filter(([name, value]) => !kept.has(name) && value !== undefined));

/** What an administrator or the bootstrap file wrote, with everything that is wrong with it. */
export const readRegistration = (
  input: Readonly<Record<string, unknown>>,
  options: RuleOptions,
): { registration: Registration; problems: FieldError[] } => {
  const { metadata, problems } = judgeClient(metadataIn(input), input, options);
  return {
    registration: {
      metadata,
      settings: settingsIn(input),
      isFirstParty: input.first_party === true,
      organizationId: typeof input.organization_id === 'string' ? input.organization_id : null,
      secret: typeof input.client_secret === 'string' ? input.client_secret : undefined,
    },
    problems,
  };
};

/** CL-05: what registers itself is judged by the core and its policy, and has nothing that an administrator sets. */
export const readSelfRegistration = (input: Readonly<Record<string, unknown>>, ownName: string): Registration => {
  const { [ownName]: own, ...metadata } = metadataIn(input);
  const { registrationPolicy } = (own as { settings?: ClientSettings } | undefined)?.settings ?? {};
  return {
    metadata,
    settings: registrationPolicy === undefined ? {} : { registrationPolicy },
    isFirstParty: false,
    organizationId: null,
    secret: typeof input.client_secret === 'string' ? input.client_secret : undefined,
  };
};
