/**
 * `npm run sbom`: what an installation without development dependencies holds, as CycloneDX 1.6, out of the lockfile. npm's own `sbom
 * --omit=dev` leaves out what a development dependency needs as well (npm 11.19: 57 of ours).
 */
import { readFileSync } from 'node:fs';

interface Locked {
  version: string;
  integrity: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
}

const readJson = (name: string) => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'));
const { name, version } = readJson('package.json');
const packages = Object.entries(readJson('package-lock.json').packages as Record<string, Locked>);

const componentOf = ([place, locked]: [string, Locked]) => {
  const called = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const purl = `pkg:npm/${called.replace('@', '%40')}@${locked.version}`;
  return {
    type: 'library',
    'bom-ref': `${purl}#${place}`,
    name: called,
    version: locked.version,
    purl,
    scope: locked.optional ? 'optional' : 'required',
    hashes: [{ alg: 'SHA-512', content: Buffer.from(locked.integrity.replace('sha512-', ''), 'base64').toString('hex') }],
    licenses: [{ license: { id: locked.license } }],
  };
};

const components = packages.filter(([place, { dev }]) => place !== '' && !dev).map(componentOf);
const application = { type: 'application', name, version };
const bill = { bomFormat: 'CycloneDX', specVersion: '1.6', version: 1, metadata: { component: application }, components };
process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`);
