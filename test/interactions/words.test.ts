import { expect } from 'chai';
import { formTargetOf, viewOfClient } from '../../src/interactions/application.ts';
import { wordsOfConsent } from '../../src/interactions/consent/words.ts';
import { kindOfProblem } from '../../src/interactions/error/page.ts';
import { createViews } from '../../src/platform/views/index.ts';

const words = createViews().translator('en');
const claims = {
  name: 'Alice Nguyễn',
  email: 'alice@example.com',
  address: { street_address: '1 Main Street', locality: 'Huế', country: 'VN' },
};
const nothing = { scopes: [], claims: [], resources: [], authorizationDetails: [] };

describe('A12 consent in plain words', () => {
  it('shows each value concerned', () => {
    const consent = { ...nothing, scopes: ['openid', 'email', 'address', 'phone'] };
    const [about] = wordsOfConsent(consent, { claims, client: 'Acme', words });
    const details = about?.items.map(({ title, detail }) => `${title}: ${detail}`);
    expect(details).to.deep.equal([
      'That it is you: A number that stands for your account',
      'Your e-mail address: alice@example.com',
      'Your postal address: 1 Main Street, Huế, VN',
      'Your phone number: You have not entered one',
    ]);
  });

  it('groups by resource and tells of access while away', () => {
    const scopes = [{ name: 'orders:read', description: 'Read orders' }, { name: 'orders:write' }];
    const resources = [{ identifier: 'https://orders.example', name: 'Orders', scopes }];
    const groups = wordsOfConsent({ ...nothing, scopes: ['offline_access'], resources }, { claims, client: 'Acme', words });
    expect(groups.map(({ title }) => title)).to.deep.equal(['At Orders', 'Access']);
    expect(groups[0]?.items.map(({ title }) => title)).to.deep.equal(['Read orders', 'orders:write']);
    expect(groups[1]?.items[0]?.title).to.equal('Access while you are away');
  });

  it('shows single claims and authorization details with what they hold', () => {
    const authorizationDetails = [{ type: 'payment', amount: '12.00 EUR' }];
    const groups = wordsOfConsent({ ...nothing, claims: ['name'], authorizationDetails }, { claims, client: 'Acme', words });
    expect(groups[0]?.items[0]).to.include({ title: 'Also: name', detail: 'Alice Nguyễn' });
    expect(groups[1]?.items[0]).to.include({ title: 'A request of the kind “payment”', detail: 'amount: 12.00 EUR' });
  });

  it('says so when there is nothing new', () => {
    expect(wordsOfConsent(nothing, { claims, client: 'Acme', words })[0]?.items).to.have.lengthOf(1);
  });
});

describe('RU-02 error pages', () => {
  const kinds: [number, string, string, string][] = [
    [400, 'invalid_client', 'client is invalid', 'unknown_client'],
    [400, 'invalid_redirect_uri', "redirect_uri did not match any of the client's registered redirect_uris", 'redirect'],
    [400, 'invalid_request', 'post_logout_redirect_uri not registered', 'logout_redirect'],
    [400, 'invalid_request', "missing required parameter 'redirect_uri'", 'redirect'],
    [400, 'invalid_request', 'interaction session id cookie not found', 'other_browser'],
    [400, 'invalid_request', 'could not find logout details', 'logout_over'],
    [400, 'invalid_request', 'xsrf token invalid', 'logout_again'],
    [400, 'invalid_request', 'authorization request has expired', 'expired'],
    [400, 'invalid_request', 'no client authentication mechanism provided', 'request'],
    [500, 'server_error', 'oops! something went wrong', 'internal'],
    [503, 'temporarily_unavailable', '', 'unavailable'],
  ];
  for (const [status, error, description, kind] of kinds) {
    it(`tells ${error} (${description}) as ${kind}`, () => {
      expect(kindOfProblem({ status, error, description })).to.equal(kind);
    });
  }
});

describe('RU-01 addresses of a registration on pages', () => {
  const client = { clientId: 'c', name: 'C', isFirstParty: false, isVerified: false };

  it('become links only as web addresses', () => {
    const view = viewOfClient({ ...client, policyUri: 'javascript:alert(1)', tosUri: 'https://c.example/tos' });
    expect(view).to.include({ policyUri: undefined, tosUri: 'https://c.example/tos', verified: false });
  });

  it('name the host a person will be sent to, not one the registration claims', () => {
    expect(viewOfClient({ ...client, clientUri: 'https://bank.example' }, 'https://c.example/cb').host).to.equal('c.example');
  });

  it('make form targets without path or query', () => {
    expect(formTargetOf('https://c.example:8443/cb?x=1')).to.equal('https://c.example:8443');
    expect(formTargetOf('com.example.app:/cb')).to.equal('com.example.app:');
    expect(formTargetOf("x'; script-src *")).to.equal(undefined);
    expect(formTargetOf(undefined)).to.equal(undefined);
  });
});
