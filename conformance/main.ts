/**
 * `npm run conformance -- [plan…]`: our own expression of the OP plans, in process; with CONFORMANCE_SERVER the official suite, which
 * finds us at CONFORMANCE_ISSUER where it does not run on this machine.
 * A plan is named in full or by a part (`basic`, `dynamic`, `fapi2`). `--write` writes docs/conformance.md and conformance/plans.
 * Exit code 1 when an outcome is not the expected one.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadExpectations, surprises } from './expected.ts';
import { runEntry } from './own/engine.ts';
import type { Outcome } from './own/outcome.ts';
import { isMeant, ownEntries } from './own/plans.ts';
import { printReport, writeDocument } from './report.ts';
import { createSuiteApi } from './suite/api.ts';
import { planFiles } from './suite/configurations.ts';
import { drivePlan } from './suite/drive.ts';
import { startTarget } from './target.ts';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { write: { type: 'boolean' } } });
const { CONFORMANCE_SERVER: server, CONFORMANCE_TOKEN: token, CONFORMANCE_ISSUER: issuer } = process.env;

/** There are configurations for them, but not yet what they ask for: only on demand. */
const isOnDemand = (plan: string): boolean => plan.startsWith('openid-ssf') && !positionals.some((name) => plan.includes(name));

const runOwn = async (): Promise<Outcome[]> => {
  const target = await startTarget();
  const outcomes: Outcome[] = [];
  for (const entry of ownEntries(positionals)) outcomes.push(await runEntry(target, entry));
  await target.close();
  return outcomes;
};

const runSuite = async (address: string): Promise<Outcome[]> => {
  const api = createSuiteApi(address, token);
  await api.ready();
  const target = await startTarget({ suite: { host: new URL(address).hostname, origin: new URL(address).origin, issuer } });
  const options = {
    api,
    rotateKeys: () => target.rotateKeys(),
    patience: 8,
    retryMs: 1000,
    progress: (line: string) => console.log(line),
  };
  const outcomes: Outcome[] = [];
  for (const file of planFiles.filter(({ plan }) => isMeant(plan, positionals) && !isOnDemand(plan))) {
    const values = { ...target.placeholders, 'TOKEN:authzen': await target.decisionToken() };
    outcomes.push(...(await drivePlan(options, file, values)));
  }
  await target.close();
  return outcomes;
};

const writePlans = (): void => {
  for (const file of planFiles) {
    writeFileSync(new URL(`plans/${file.plan}.json`, import.meta.url), `${JSON.stringify(file, null, 2)}\n`);
  }
};

if (values.write) writePlans();
const outcomes = server ? await runSuite(server) : await runOwn();
console.log(printReport(outcomes));
if (values.write && !server) writeFileSync(new URL('../docs/conformance.md', import.meta.url), writeDocument(outcomes));

const plans = [...new Set(outcomes.map(({ plan }) => plan))];
const unexpected = plans.flatMap((plan) =>
  surprises(
    outcomes.filter((outcome) => outcome.plan === plan),
    loadExpectations(plan, server ? 'suite' : 'own'),
  ),
);
if (outcomes.length === 0) unexpected.push(`no plan is called ${positionals.join(' or ')}`);
for (const line of unexpected) console.error(line);
process.exit(unexpected.length === 0 ? 0 : 1);
