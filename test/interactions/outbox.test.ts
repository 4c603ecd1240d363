import { expect } from 'chai';
import { createAgent } from '../support/agent.ts';
import { startStand } from '../support/stand.ts';

const registration = { email: 'ann@example.com', password: 'plum-orbit-cabin-41' };

const register = (issuer: string): Promise<Response> =>
  fetch(`${issuer}/api/v1/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(registration),
  });

describe('OP-04 /dev/outbox', function outbox() {
  this.timeout(60_000);

  it('shows mails as their readers see them while the issuer is on loopback and there is no mail server', async () => {
    const stand = await startStand();
    const agent = createAgent(stand.issuer);
    expect((await agent.open(`${stand.issuer}/dev/outbox`)).body).to.include('No e-mail yet');
    expect((await register(stand.issuer)).status).to.equal(201);
    const page = await agent.open(`${stand.issuer}/dev/outbox`);
    expect(page.status).to.equal(200);
    expect(page.body)
      .to.include('ann@example.com')
      .and.to.match(new RegExp(`<a href="${stand.issuer}/verify\\?`));
    expect(page.headers.get('cache-control')).to.equal('no-store');
    expect((await agent.open(`${stand.issuer}/`)).body, 'linked from nowhere').not.to.include('/dev/outbox');
    await stand.close();
  });

  it('is not there for those who come from elsewhere through a proxy, nor where mails are sent', async () => {
    const proxied = await startStand({ env: { TRUST_PROXY: '127.0.0.0/8,::1' } });
    const headers = { 'x-forwarded-for': '203.0.113.7' };
    expect((await fetch(`${proxied.issuer}/dev/outbox`, { headers })).status).to.equal(404);
    await proxied.close();
    const sending = await startStand({ env: { SMTP_URL: 'smtp://127.0.0.1:9' } });
    expect((await fetch(`${sending.issuer}/dev/outbox`)).status).to.equal(404);
    await sending.close();
  });
});
