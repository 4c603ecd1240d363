import { readFileSync } from 'node:fs';

/** What is on the page of somebody who is signed in. */
export interface Shown {
  /** Of the ID token. */
  claims: Readonly<Record<string, unknown>>;
  /** Of userinfo. */
  profile: Readonly<Record<string, unknown>>;
  refreshes: number;
  receivedAt: Date;
  /** Seconds that the access token has left. */
  expiresIn: number | undefined;
  scope: string;
  canRefresh: boolean;
  answers: { title: string; answer: object }[];
}

export const stylesheet = readFileSync(new URL('./demo.css', import.meta.url), 'utf8');

export const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><title>Orders</title><circle cx="12" cy="12" r="11" fill="#8a4b08"/><circle cx="12" cy="12" r="5" fill="none" stroke="#fff" stroke-width="2.5"/></svg>';

const html = (value: unknown): string => String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const button = (action: string, label: string, kind = ''): string =>
  `<form method="post" action="/${action}"><button class="${kind}" type="submit">${label}</button></form>`;

export const page = (content: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Orders (demo)</title>
<link rel="stylesheet" href="/demo.css">
<link rel="icon" href="/demo.svg" type="image/svg+xml">
</head>
<body>
<header><a href="/"><span class="mark" aria-hidden="true">O</span>Orders</a><span class="tag">demo application</span></header>
<main>${content}</main>
</body>
</html>`;

export const homePage = (notice: string | undefined, issuer: string): string => `
<section class="card narrow">
${notice ? `<p class="notice" role="status">${html(notice)}</p>` : ''}
<h1>Your orders</h1>
<p>This small application has no accounts of its own: it sends you to Castellan at <strong>${html(new URL(issuer).host)}</strong>, and shows what comes back.</p>
${button('sign-in', 'Sign in', 'primary wide')}
</section>
<section class="narrow quiet">
<h2>What happens</h2>
<ol>
<li>Castellan asks who you are. <strong>Create an account</strong> there, or use the administrator printed at the start.</li>
<li>It asks whether this application may see your profile.</li>
<li>Back here, you see the claims, refresh the tokens, ask the provider, and sign out.</li>
</ol>
</section>`;

const meanings: Record<string, string> = {
  sub: 'who you are, for this issuer',
  name: 'name',
  email: 'e-mail address',
  email_verified: 'whether the address is confirmed',
  iss: 'who says so',
  aud: 'for which application',
  iat: 'issued at',
  exp: 'good until',
  auth_time: 'you signed in at',
  acr: 'how strongly you signed in',
  amr: 'how you signed in',
  sid: 'your session at the provider',
  nonce: 'ties this to the request of your browser',
  at_hash: 'ties this to the access token',
  updated_at: 'profile last changed at',
};
const times = new Set(['iat', 'exp', 'auth_time', 'updated_at']);

const shownValue = (name: string, value: unknown): string => {
  if (times.has(name) && typeof value === 'number') {
    const iso = new Date(value * 1000).toISOString();
    return `<time datetime="${iso}">${iso.slice(0, 19).replace('T', ' ')} UTC</time>`;
  }
  return html(typeof value === 'object' ? JSON.stringify(value) : value);
};

const rows = (claims: Readonly<Record<string, unknown>>): string =>
  Object.entries(claims)
    .map(
      ([name, value]) =>
        `<tr><th scope="row"><code>${html(name)}</code><span>${html(meanings[name] ?? '')}</span></th><td>${shownValue(name, value)}</td></tr>`,
    )
    .join('\n');

const minutes = (seconds: number | undefined): string =>
  seconds === undefined ? 'an unknown time' : `${Math.max(1, Math.round(seconds / 60))} minutes`;

export const claimsPage = ({ claims, profile, refreshes, receivedAt, expiresIn, scope, canRefresh, answers }: Shown): string => `
<div class="head">
<div><h1>Hello, ${html(profile.name ?? profile.email ?? 'there')}</h1><p>Signed in by Castellan.</p></div>
${button('sign-out', 'Sign out')}
</div>
<section class="card">
<h2>About you, from userinfo</h2>
<div class="scroll"><table>${rows(profile)}</table></div>
</section>
<section class="card">
<h2>About this sign-in, from the ID token</h2>
<div class="scroll"><table>${rows(claims)}</table></div>
</section>
<section class="card" id="tokens">
<h2>Tokens</h2>
<p>The access token came at <time datetime="${receivedAt.toISOString()}">${receivedAt.toISOString().slice(11, 19)} UTC</time>, is good for ${minutes(expiresIn)}, and may do: ${scope
  .split(' ')
  .map((one) => `<code>${html(one)}</code>`)
  .join(
    ' ',
  )}. ${refreshes === 0 ? 'It was not refreshed yet.' : `Refreshed ${refreshes === 1 ? 'once' : `${refreshes} times`}; each time the refresh token was replaced as well.`}</p>
<div class="row">${canRefresh ? button('refresh', 'Refresh') : ''}${button('userinfo', 'Ask userinfo')}${button('introspect', 'Introspect')}</div>
</section>
${answers
  .map(
    ({ title, answer }) => `<section class="card" id="answer"><h2>${html(title)}</h2>
<pre tabindex="0">${html(JSON.stringify(answer, null, 2))}</pre></section>`,
  )
  .join('')}`;

export const errorPage = (words: string): string => `
<section class="card narrow">
<h1>That did not work</h1>
<p class="notice danger" role="alert">${html(words)}</p>
<p><a href="/">Back to the start</a></p>
</section>`;
