import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import catalogue from '../../conformance/catalogue.json' with { type: 'json' };
import { type PlanFile, planFiles } from '../../conformance/suite/configurations.ts';

interface Described {
  name: string;
  variants: Record<string, string[]>;
  configFields: { always: string[]; by_variant: Record<string, string[]> };
  groups: { variant: Record<string, string>; modules: string[] }[];
}
const described = new Map((catalogue.plans as unknown as Described[]).map((plan) => [plan.name, plan]));

/** Always allowed, or optional for every plan (facts of the suite: conformance README §1.3). */
const common = ['alias', 'automated_ciba_approval_url', 'description', 'options', 'publish', 'browser', 'override'];
const optional = ['server.login_hint', 'client.initial_access_token', 'client2.initial_access_token'];
/** Fields the suite shows but does without: keys of dynamic clients it makes itself, hints of other ecosystems, bodies of other resources. */
const notRequired = [
  /^client2?\.(jwks|initial_access_token)$/,
  /^client\.(login_hint|card_|payment_)/,
  /^resource\.resource(Method|MediaType|RequestBody)$/,
  /^ssf\.transmitter\.metadata_suffix$/,
  /^client\.client_secret$/,
  /^client2\.client_secret$/,
];

const flatten = (configuration: Record<string, unknown>): string[] =>
  Object.entries(configuration).flatMap(([name, value]) => {
    if (common.includes(name)) return [];
    const inner = value as Record<string, unknown>;
    return Object.entries(inner).flatMap(([field, deep]) =>
      typeof deep === 'object' && deep !== null && name === 'ssf'
        ? Object.keys(deep).map((last) => `${name}.${field}.${last}`)
        : [`${name}.${field}`],
    );
  });

const fieldsFor = (plan: Described, chosen: Record<string, string>[]): string[] => {
  const conditions = new Set(chosen.flatMap((variant) => Object.entries(variant).map(([name, value]) => `${name}=${value}`)));
  for (const { variant } of plan.groups) for (const [name, value] of Object.entries(variant)) conditions.add(`${name}=${value}`);
  return Object.entries(plan.configFields.by_variant).flatMap(([condition, fields]) => (conditions.has(condition) ? fields : []));
};

describe('P11 configuration files for the official suite', () => {
  it('are written out as they are defined', () => {
    const directory = new URL('../../conformance/plans/', import.meta.url);
    expect(readdirSync(directory).sort()).to.deep.equal(planFiles.map(({ plan }) => `${plan}.json`).sort());
    for (const file of planFiles) {
      const written = JSON.parse(readFileSync(new URL(`${file.plan}.json`, directory), 'utf8'));
      expect(written, file.plan).to.deep.equal(JSON.parse(JSON.stringify(file)));
    }
  });

  for (const file of planFiles) {
    describe(file.plan, () => {
      const plan = described.get(file.plan) as Described;

      it('is a plan of the suite, with its variants and values', () => {
        expect(plan).to.not.equal(undefined);
        for (const variant of file.variants) {
          for (const [name, value] of Object.entries(variant)) expect(plan.variants[name], `${name}=${value}`).to.include(value);
        }
      });

      it('gives every field the chosen variants need and none the plan does not know', () => {
        const needed = [...plan.configFields.always, ...fieldsFor(plan, [...file.variants])];
        const given = flatten(file.configuration);
        const missing = needed.filter((field) => !given.includes(field) && !notRequired.some((pattern) => pattern.test(field)));
        expect(missing).to.deep.equal([]);
        expect(given.filter((field) => !needed.includes(field) && !optional.includes(field))).to.deep.equal([]);
      });

      it('drives pages that are there, for modules that are there', () => {
        const modules = plan.groups.flatMap((group) => group.modules);
        const { browser, override = {}, alias } = file.configuration as PlanFile['configuration'] & { override?: object };
        for (const name of Object.keys(override)) expect(modules).to.include(name);
        for (const scripts of [browser, ...Object.values(override).map((entry) => entry.browser)]) {
          for (const script of scripts ?? [])
            expect(script.match).to.match(/^(\{ISSUER\}\/(authorize|logout)\*|\*session_verify)$/);
        }
        if (alias !== undefined) expect(String(alias).replace(/\{[A-Z]+\}/g, 'x')).to.match(/^[a-zA-Z0-9_-]+$/);
      });
    });
  }
});
