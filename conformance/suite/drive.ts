import { setTimeout as pause } from 'node:timers/promises';
import type { Outcome, Result } from '../own/outcome.ts';
import { type LogEntry, type SuiteApi, SuiteError, type SuiteModule } from './api.ts';
import type { PlanFile } from './configurations.ts';

export interface DriveOptions {
  api: SuiteApi;
  /** Called while `oidcc-server-rotate-keys` waits. */
  rotateKeys(): Promise<void>;
  /** Long polls of 30 s a module may take. */
  patience: number;
  /** Milliseconds before an alias in use is tried again. */
  retryMs: number;
  progress(line: string): void;
}

const ends = ['FINISHED', 'INTERRUPTED'];
const handStarted = 'oidcc-server-rotate-keys';

const simple = /\{([A-Z]+)\}/g;
const whole = /^\{([A-Z]+:[a-z0-9-]+)\}$/;

/** Replaces `{NAME}` in every string; `{KIND:name}`, alone in its string, becomes whatever stands for it, of any type. */
export const fill = (value: unknown, replacements: Readonly<Record<string, unknown>>): unknown => {
  if (Array.isArray(value)) return value.map((item) => fill(item, replacements));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, replacements)]));
  }
  if (typeof value !== 'string') return value;
  const text = value.replace(simple, (found, name: string) => (name in replacements ? String(replacements[name]) : found));
  const name = whole.exec(text)?.[1];
  return name !== undefined && name in replacements ? replacements[name] : text;
};

/** Parts of the names of our static clients (`fapi-clients.ts`): each variant has its own. */
const variantValues = ({ client_auth_type: auth, sender_constrain: bind, ciba_mode: mode }: Record<string, string>) => ({
  AUTH: auth?.replaceAll('_', '-') ?? '',
  BIND: bind ?? '',
  MODE: mode ?? '',
});

const start = async ({ api, retryMs }: DriveOptions, planId: string, module: SuiteModule): Promise<string> => {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await api.startModule(planId, module);
    } catch (error) {
      // 409: the alias is still in use by the module before.
      if (!(error instanceof SuiteError) || error.status !== 409 || attempt === 10) throw error;
      await pause(retryMs);
    }
  }
};

const waitForEnd = async ({ api, patience, rotateKeys }: DriveOptions, id: string, module: string): Promise<boolean> => {
  if (module === handStarted) {
    await api.waitFor(id, ['CONFIGURED', ...ends]);
    await rotateKeys();
    await api.startByHand(id);
  }
  for (let attempt = 0; attempt < patience; attempt += 1) {
    if (ends.includes((await api.waitFor(id, ends)) ?? '')) return true;
  }
  await api.cancel(id);
  return false;
};

const described = (entries: readonly LogEntry[], results: readonly string[]): string[] =>
  entries.filter(({ result }) => results.includes(result ?? '')).map(({ src, msg }) => `${src}: ${msg}`);

const runModule = async (options: DriveOptions, plan: SuitePlanRun, module: SuiteModule): Promise<Outcome> => {
  const { api } = options;
  const variant = { ...plan.variant, ...module.variant };
  const id = await start(options, plan.id, module);
  const ended = await waitForEnd(options, id, module.testModule);
  const { status, result } = await api.result(id);
  const outcome = { plan: plan.name, module: module.testModule, variant };
  if (!ended || status !== 'FINISHED') return { ...outcome, result: 'FAILED', notes: [`did not finish: ${status}`] };
  if (result === 'PASSED' || result === 'REVIEW') return { ...outcome, result, notes: [] };
  const notes = described(await api.log(id), ['FAILURE', 'WARNING', 'INTERRUPTED', 'SKIPPED']);
  const known: readonly string[] = ['WARNING', 'SKIPPED'];
  return { ...outcome, result: known.includes(result) ? (result as Result) : 'FAILED', notes };
};

interface SuitePlanRun {
  id: string;
  name: string;
  variant: Record<string, string>;
}

/** Creates the plan once per variant and runs its modules one after the other. */
export const drivePlan = async (options: DriveOptions, file: PlanFile, values: Record<string, unknown>): Promise<Outcome[]> => {
  const outcomes: Outcome[] = [];
  for (const variant of file.variants) {
    const created = await options.api.createPlan(
      file.plan,
      variant,
      Object(fill(file.configuration, { ...values, ...variantValues(variant) })),
    );
    for (const module of created.modules) {
      const outcome = await runModule(options, { id: created.id, name: file.plan, variant }, module);
      options.progress(`${outcome.result.padEnd(8)} ${outcome.module} ${JSON.stringify(outcome.variant)}`);
      outcomes.push(outcome);
    }
  }
  return outcomes;
};
