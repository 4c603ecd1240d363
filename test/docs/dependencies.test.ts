import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'chai';

interface Locked {
  version?: string;
  integrity?: string;
  dev?: boolean;
}
interface Component {
  name: string;
  version: string;
  licenses: { license: { id?: string } }[];
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const readJson = (name: string) => JSON.parse(readFileSync(`${root}${name}`, 'utf8'));
const licenses = ['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'MIT-0'];

describe('OP-10 dependencies', () => {
  const manifest = readJson('package.json');
  const packages = Object.entries(readJson('package-lock.json').packages as Record<string, Locked>).filter(
    ([place]) => place !== '',
  );

  it('are locked: exact versions, each with the digest of its content', () => {
    const asked = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
    for (const [name, version] of Object.entries(asked)) expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
    for (const [place, { version, integrity }] of packages) {
      expect(version, place).to.be.a('string');
      expect(integrity, place).to.match(/^sha512-/);
    }
  });

  // One of ours would tell a statistics service (@scarf/scarf, of swagger-ui-dist).
  it('run nothing at their installation', () => {
    expect(readFileSync(`${root}.npmrc`, 'utf8')).to.match(/^ignore-scripts=true$/m);
  });

  it('are listed by npm run sbom, also in the image, under licenses that ask for nothing but their text', async () => {
    const { stdout } = await promisify(execFile)('npm', ['run', '--silent', 'sbom'], { cwd: root, maxBuffer: 2 ** 26 });
    const { bomFormat, components } = JSON.parse(stdout) as { bomFormat: string; components: Component[] };
    expect(bomFormat).to.equal('CycloneDX');
    const names = components.map(({ name }) => name);
    expect(names).to.include.members(Object.keys(manifest.dependencies));
    expect(names).to.not.include('mocha');
    expect(components).to.have.length(packages.filter(([, { dev }]) => !dev).length);
    for (const { name, version, licenses: given } of components) {
      expect(given.map(({ license }) => license.id).join(), `${name} ${version}`).to.be.oneOf(licenses);
    }
    expect(readFileSync(`${root}Dockerfile`, 'utf8')).to.match(/^RUN npm run --silent sbom > sbom\.json$/m);
  }).timeout(60_000);
});
