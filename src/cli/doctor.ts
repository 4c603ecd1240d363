import { exitCodes } from '../exit.ts';
import { type Config, ConfigError, configFromProcess } from '../platform/config/index.ts';
import { databaseFindings } from './checks/database.ts';
import { type Finding, failed, ok, warning } from './checks/finding.ts';
import {
  certificateFindings,
  directoryFindings,
  issuerFindings,
  mailFindings,
  outboundFindings,
  redisFindings,
  runtimeFinding,
} from './checks/surroundings.ts';
import { type Command, flag } from './command.ts';
import { invariantFindings } from './invariants/index.ts';
import { findRunningServer } from './operator/channel.ts';
import { checkSchema, withOperator } from './operator/index.ts';
import { print, printJson, say } from './terminal.ts';

const configurationFindings = ({ warnings }: Config): Finding[] => [
  ok('configuration', 'every setting is understood'),
  ...warnings.map((words) => warning('configuration', words, 'Fine for a test; never where others can reach it')),
];

const examine = async (): Promise<Finding[]> => {
  let config: Config;
  try {
    config = configFromProcess();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const mend = 'docs/operators/configuration.md lists every setting';
    return [runtimeFinding(), ...error.mistakes.map((mistake) => failed('configuration', mistake, mend))];
  }
  const found = await Promise.all([
    directoryFindings(config),
    databaseFindings(config),
    redisFindings(config),
    mailFindings(config),
    issuerFindings(config),
  ]);
  return [
    runtimeFinding(),
    ...configurationFindings(config),
    ...found.flat(),
    ...certificateFindings(config),
    ...outboundFindings(config),
  ];
};

const marks: Record<Finding['state'], string> = { ok: 'ok     ', warning: 'warning', failed: 'FAILED ' };

const show = ({ check, state, message, remedy }: Finding, width: number): void => {
  print(`${marks[state]}  ${check.padEnd(width)}  ${message}`);
  if (remedy !== undefined) print(`${' '.repeat(width + 11)}→ ${remedy}`);
};

const report = (findings: readonly Finding[], isJson: boolean): void => {
  const width = Math.max(...findings.map(({ check }) => check.length));
  if (isJson) printJson(findings);
  else for (const finding of findings) show(finding, width);
};

/** Without the rooms, which would make up for a missing key before it was seen. */
const invariantsOfStopped = async (config: Config): Promise<Finding[]> => {
  await checkSchema(config);
  const { openFoundation } = await import('../foundation.ts');
  const foundation = await openFoundation({ ...config, logLevel: 'silent' });
  try {
    return await invariantFindings(foundation);
  } finally {
    await foundation.close();
  }
};

const checkInvariants = async (isJson: boolean): Promise<number> => {
  const config = configFromProcess();
  const running = await findRunningServer(config);
  const findings = running ? await running('doctor.invariants', {}) : await invariantsOfStopped(config);
  report(findings, isJson);
  const first = findings.find(({ state }) => state === 'failed');
  if (first === undefined) return exitCodes.done;
  say(`${first.check} does not hold: ${first.message}`);
  return exitCodes.failed;
};

const lookAfterRestore = async (): Promise<number> => {
  const { accounts, undelivered } = await withOperator((operate) => operate('doctor.afterRestore', {}));
  say(`every token, session, link and code from before is worthless now (${accounts} accounts had some); people sign in again`);
  if (undelivered > 0)
    say(`${undelivered} mails and notices had not left when the backup was made; castellan outbox list --state dead shows them`);
  return exitCodes.done;
};

export const doctor: Command = {
  name: 'doctor',
  summary: 'say what is wrong with this installation and how to mend it',
  options: {
    invariants: {
      type: 'boolean',
      description: 'check what must hold after any fault (N-01 to N-10), and name the first that does not',
    },
    'after-restore': {
      type: 'boolean',
      description:
        'once after restoring a backup: ends every token, session, link and code from before, which cannot be trusted any more',
    },
    json: { type: 'boolean', description: 'as JSON' },
  },
  notes: [
    'Changes nothing, but with --after-restore. Exit code 1 when something failed, 2 when the configuration has mistakes. Warnings do not count.',
  ],
  run: async (input) => {
    if (flag(input, 'after-restore')) return await lookAfterRestore();
    if (flag(input, 'invariants')) return await checkInvariants(flag(input, 'json'));
    const findings = await examine();
    report(findings, flag(input, 'json'));
    const wrong = findings.filter(({ state }) => state === 'failed');
    if (wrong.some(({ check }) => check === 'configuration')) return exitCodes.usage;
    return wrong.length > 0 ? exitCodes.failed : exitCodes.done;
  },
};
