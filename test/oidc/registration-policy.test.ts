import { expect } from 'chai';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { initialAccess, registrationGate } from '../../src/oidc/protocol/registration-gate.ts';
import { openPolicy, registrationProblems } from '../../src/oidc/protocol/registration-policy.ts';
import { StatementError, withSoftwareStatement } from '../../src/oidc/protocol/software-statements.ts';

const good = { redirect_uris: ['https://app.example.test/callback'], grant_types: ['authorization_code', 'refresh_token'] };
const problems = (over: object, policy = openPolicy): string[] => registrationProblems(policy, { ...good, ...over });

describe('P4 RFC 7591 §2 what a client may register itself for', () => {
  it('accepts a web, a native and a device client', () => {
    expect(problems({})).to.deep.equal([]);
    const native = { application_type: 'native', redirect_uris: ['http://127.0.0.1/callback', 'com.example.app:/callback'] };
    expect(problems(native)).to.deep.equal([]);
    const device = { redirect_uris: [], response_types: [], grant_types: ['urn:ietf:params:oauth:grant-type:device_code'] };
    expect(problems(device)).to.deep.equal([]);
  });

  for (const over of [
    { grant_types: ['client_credentials'] },
    { grant_types: ['authorization_code', 'urn:openid:params:grant-type:ciba'] },
    { response_types: ['code id_token'] },
    { profile: 'fapi2' },
    { require_pkce: false },
    { skip_consent: true },
    { organization_id: '1' },
  ]) {
    it(`CL-05 refuses ${JSON.stringify(over)}`, () => {
      expect(problems(over)).to.have.length(1);
    });
  }

  for (const address of [
    'http://app.example.test/callback',
    'JaVaScRiPt:alert(1)',
    'data:text/html,x',
    'myapp:/callback',
    'not a url',
  ]) {
    it(`RU-03 refuses the redirect URI ${address}`, () => {
      expect(problems({ redirect_uris: [address] })).to.have.length(1);
      expect(problems({ post_logout_redirect_uris: [address] })).to.have.length(1);
    });
  }

  it('keeps to hosts, scopes and methods of the initial access token', () => {
    const policy = { redirectHosts: ['app.example.test'], scopes: ['openid'], authMethods: ['private_key_jwt'] };
    expect(problems({ scope: 'openid', token_endpoint_auth_method: 'private_key_jwt' }, policy)).to.deep.equal([]);
    expect(problems({ scope: 'openid admin', redirect_uris: ['https://evil.example.test/'] }, policy)).to.have.length(3);
  });
});

describe('P4 RFC 7591 §2.3 software statements', () => {
  const issuer = 'https://publisher.example.test';
  const make = async (claims: object) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
    const statement = await new SignJWT({ ...claims }).setProtectedHeader({ alg: 'ES256' }).setIssuer(issuer).sign(privateKey);
    return { statement, policy: { issuers: [{ issuer, jwks: { keys: [await exportJWK(publicKey)] } }] } };
  };
  const refused = async (work: Promise<unknown>): Promise<string> => {
    const error = await work.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).to.be.instanceOf(StatementError);
    return (error as StatementError).error;
  };

  it('take precedence over the request', async () => {
    const { statement, policy } = await make({ client_name: 'Said by the publisher', software_id: 's' });
    const metadata = await withSoftwareStatement(policy, { client_name: 'Own words', software_statement: statement });
    expect(metadata).to.include({ client_name: 'Said by the publisher', software_id: 's' });
    expect(metadata).to.not.have.property('iss');
  });

  it('are refused when altered, signed by another key or unreadable', async () => {
    const { statement, policy } = await make({ client_name: 'x' });
    const other = await make({ client_name: 'x' });
    const [header, , signature] = statement.split('.');
    const altered = `${header}.${Buffer.from(JSON.stringify({ iss: issuer, client_name: 'y' })).toString('base64url')}.${signature}`;
    for (const software_statement of [altered, other.statement, 'rubbish']) {
      expect(await refused(withSoftwareStatement(policy, { software_statement }))).to.equal('invalid_software_statement');
    }
  });

  it('are refused from an unknown issuer, and where one is required but missing', async () => {
    const { statement } = await make({});
    expect(await refused(withSoftwareStatement({ issuers: [] }, { software_statement: statement }))).to.match(/^unapproved/);
    expect(await refused(withSoftwareStatement({ issuers: [], isRequired: true }, {}))).to.match(/^unapproved/);
  });
});

describe('CL-01 initial access tokens', () => {
  it('a registration that ends in a refusal or an error takes no use', async () => {
    const left: number[] = [];
    for (const outcome of [201, 400, new Error('the database is away')]) {
      let uses = 1;
      const tokens = {
        spend: async () => {
          uses -= 1;
          return { id: 'token', policy: openPolicy };
        },
        giveBack: async () => {
          uses += 1;
        },
      };
      const oidc = { getAccessToken: () => 'secret' };
      const ctx = { method: 'POST', path: '/reg', get: () => 'Bearer secret', status: 404, oidc, info: { ip: '192.0.2.1' } };
      const gate = registrationGate({ path: '/reg', mode: 'token', tokens, limit: undefined });
      const answer = async (): Promise<void> => {
        await initialAccess(tokens)(ctx as never, {});
        if (typeof outcome !== 'number') throw outcome;
        ctx.status = outcome;
      };
      await Promise.resolve(gate(ctx as never, answer)).catch((error: unknown) => expect(error).to.equal(outcome));
      left.push(uses);
    }
    expect(left).to.deep.equal([0, 1, 1]);
  });
});
