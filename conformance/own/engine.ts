import catalogue from '../catalogue.json' with { type: 'json' };
import { createBrowser } from './browser.ts';
import { send } from './http.ts';
import { authzenModules } from './modules/authzen.ts';
import { cibaModules } from './modules/ciba.ts';
import { discoveryModules } from './modules/discovery.ts';
import { fapi1Modules } from './modules/fapi1.ts';
import { fapi2Modules } from './modules/fapi2.ts';
import { flowModules } from './modules/flows.ts';
import { logoutModules } from './modules/logout.ts';
import { registrationModules, unsignedModules } from './modules/registration.ts';
import { sessionModules } from './modules/sessions.ts';
import { type Outcome, Skipped } from './outcome.ts';
import { type Metadata, type Module, Run, type Target, type Variant } from './run.ts';

export const modules: Readonly<Record<string, Module>> = {
  ...authzenModules,
  ...cibaModules,
  ...discoveryModules,
  ...fapi1Modules,
  ...fapi2Modules,
  ...flowModules,
  ...logoutModules,
  ...registrationModules,
  ...sessionModules,
  ...unsignedModules,
};

/** One module entry of a plan with everything that is decided about it. */
export interface Entry {
  plan: string;
  module: string;
  variant: Variant;
}

interface Plan {
  name: string;
  droppedFor: Record<string, Record<string, string[]>>;
  groups: { variant: Record<string, string>; modules: string[] }[];
}

const plans: readonly Plan[] = catalogue.plans as Plan[];

/** Modules of a plan as the suite would create it with the chosen variant values; what it drops for them is left out. */
export const entriesOf = (planName: string, chosen: Record<string, string>): Entry[] => {
  const plan = plans.find(({ name }) => name === planName);
  if (!plan) throw new Error(`no plan ${planName}`);
  const defaults = { response_type: 'code', response_mode: 'default', client_auth_type: 'client_secret_basic' };
  return plan.groups.flatMap((group) =>
    group.modules.flatMap((module) => {
      const variant: Variant = { ...defaults, ...chosen, ...group.variant };
      const dropped = Object.entries(plan.droppedFor[module] ?? {});
      return dropped.some(([name, values]) => values.includes(variant[name] ?? '')) ? [] : [{ plan: planName, module, variant }];
    }),
  );
};

export const discover = async (issuer: string): Promise<Metadata> => {
  const { json } = await send(`${issuer}/.well-known/openid-configuration`);
  return { ...json, issuer: String(json.issuer) };
};

/** Runs one entry; whatever it throws is its result. */
export const runEntry = async (target: Target, { plan, module, variant }: Entry): Promise<Outcome> => {
  const body = modules[module];
  const outcome = { plan, module, variant };
  if (!body) return { ...outcome, result: 'FAILED', notes: ['we have no expression of this module'] };
  const run = new Run(target, variant, await discover(target.issuer));
  try {
    await body(run);
    if (run.notes.length > 0) return { ...outcome, result: 'WARNING', notes: run.notes };
    return { ...outcome, result: run.reviewed ? 'REVIEW' : 'PASSED', notes: [] };
  } catch (error) {
    if (error instanceof Skipped) return { ...outcome, result: 'SKIPPED', notes: [error.message] };
    return { ...outcome, result: 'FAILED', notes: [error instanceof Error ? error.message : String(error)], error };
  }
};

/** A browser that has signed in once, for the modules whose subject is something else: hashing a password costs most of a module. */
export const signInOnce = async (target: Target): Promise<Target> => {
  const browser = createBrowser(target.issuer, target.person);
  const variant = { response_type: 'code', response_mode: 'default', client_auth_type: 'client_secret_basic' };
  const run = new Run(target, variant, await discover(target.issuer));
  await run.signIn({ browser });
  return { ...target, signedIn: browser };
};
