import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Networks, parseNetworks } from './networks.ts';

/** Collects mistakes while it reads, so that all are named at once. */
export class Reader {
  readonly mistakes: string[] = [];
  readonly #env: Record<string, string | undefined>;

  constructor(env: Record<string, string | undefined>) {
    this.#env = env;
  }

  mistake(message: string): void {
    this.mistakes.push(message);
  }

  text(name: string): string | undefined {
    const value = this.#env[name]?.trim();
    return value === '' ? undefined : value;
  }

  list(name: string): string[] {
    return (this.text(name) ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean);
  }

  integer(name: string, fallback: number, minimum: number, maximum: number): number {
    const value = this.text(name);
    if (value === undefined) return fallback;
    const parsed = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= minimum && parsed <= maximum) return parsed;
    this.mistake(`${name}: must be a whole number from ${minimum} to ${maximum}`);
    return fallback;
  }

  choice<Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const value = this.text(name) ?? choices[0];
    const found = choices.find((choice) => choice === value);
    if (found) return found;
    this.mistake(`${name}: must be one of ${choices.join(', ')}`);
    return choices[0];
  }

  url(name: string, protocols: readonly string[]): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const { protocol = '', hostname = '' } = URL.canParse(value) ? new URL(value) : {};
    // A database may be behind a socket of this machine.
    const isComplete = hostname !== '' || protocol.startsWith('postgres');
    if (protocols.includes(protocol) && isComplete) return value;
    this.mistake(`${name}: must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`);
    return undefined;
  }

  file(name: string, cwd: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const path = resolve(cwd, value);
    if (existsSync(path) && !statSync(path).isDirectory()) return path;
    this.mistake(`${name}: there is no such file`);
    return undefined;
  }

  /** @returns an absolute path, which need not be there yet, or `:memory:` */
  directory(name: string, fallback: string, cwd: string): string {
    const value = this.text(name) ?? fallback;
    if (value === ':memory:') return value;
    const path = resolve(cwd, value);
    if (existsSync(path) && !statSync(path).isDirectory()) this.mistake(`${name}: is no directory`);
    return path;
  }

  networks(name: string, fallback: readonly string[] = []): Networks {
    const entries = this.text(name) === undefined ? fallback : this.list(name);
    const { networks, invalid } = parseNetworks(entries);
    for (const entry of invalid) this.mistake(`${name}: ${JSON.stringify(entry)} is neither an address nor a CIDR`);
    return networks;
  }
}
