import { readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';
import { chooseLocale, createViews, locales } from '../../src/platform/views/index.ts';
import { gallery } from '../browser/gallery.ts';

const views = createViews();
const viewsDirectory = new URL('../../views/', import.meta.url);
const localeFiles = readdirSync(new URL('locales/', viewsDirectory));
const messagesOf = (locale: string): Record<string, string> =>
  Object.assign(
    {},
    ...localeFiles
      .filter((name) => name === `${locale}.json` || name.endsWith(`.${locale}.json`))
      .map((name) => JSON.parse(readFileSync(new URL(`locales/${name}`, viewsDirectory), 'utf8'))),
  );
const catalogues = locales.map((locale) => ({ locale, messages: messagesOf(locale) }));
const templates = readdirSync(viewsDirectory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.njk'));
const rendered = locales.flatMap((locale) =>
  gallery.map(({ name, template, values }) => ({
    name: `${name} (${locale})`,
    isForUsers: !template.startsWith('admin/'),
    html: views.render(template, locale, values),
  })),
);

/** LOOK.md: words that never stand on a page for end users. Developers' own lines are folded away and may name a parameter. */
const jargon =
  /\b(TOTP|OTP|MFA|scopes?|interactions?|grants?|tokens?|claims?|OAuth|OIDC|OpenID|issuer|audience|PKCE|nonce|payload|endpoint|UUID|CSRF|HTTP|JSON|redirect_uri|client_id|authorization server|relying party|credentials?)\b/i;

const visibleText = (html: string): string =>
  html
    .replace(/<head>[\s\S]*?<\/head>/, '')
    .replace(/<details[\s\S]*?<\/details>/g, '')
    .replace(/<[^>]+>/g, ' ');

describe('A12 hosted pages, as templates', () => {
  it('say the same things in every language', () => {
    const bare = (key: string): string => key.replace(/\.(one|other)$/, '');
    const keys = catalogues.map(({ messages }) => new Set(Object.keys(messages).map(bare)));
    expect([...(keys[0] ?? [])].filter((key) => !keys[1]?.has(key))).to.deep.equal([]);
    expect([...(keys[1] ?? [])].filter((key) => !keys[0]?.has(key))).to.deep.equal([]);
  });

  it('name the same values in every language', () => {
    const [english, vietnamese] = catalogues.map(({ messages }) => messages);
    const placeholders = (text = ''): string[] => [...new Set(text.match(/\{\w+\}/g))].sort();
    for (const [key, text] of Object.entries(vietnamese ?? {})) {
      expect(placeholders(text), key).to.deep.equal(placeholders(english?.[key]));
    }
  });

  it('IN-06 never take a value for a template: names, titles and descriptions stand as they are', () => {
    const hostile = '{{ 7*191 }}{% include "error.njk" %}{client}';
    const told = new Set(['name', 'title', 'detail', 'description', 'organization']);
    const poison = (value: unknown, key = ''): unknown => {
      if (Array.isArray(value)) return value.map((item) => poison(item, key));
      if (value instanceof Object && !(value instanceof Date) && typeof value !== 'function')
        return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, name)]));
      // One word in lower case is ours: the name of a message.
      return typeof value === 'string' && told.has(key) && !/^[\w.-]*$/.test(value) ? `${value}${hostile}` : value;
    };
    let shown = 0;
    for (const { name, template, values } of gallery) {
      const html = views.render(template, 'en', poison(values) as Record<string, unknown>);
      expect(html, name).to.not.include('1337');
      if (html.includes('{{ 7*191 }}{% include &quot;error.njk&quot; %}{client}')) shown += 1;
    }
    expect(shown, 'pages that show such values').to.be.greaterThan(20);
  });

  it('ask for no message that is not there', () => {
    const known = new Set(catalogues.flatMap(({ messages }) => Object.keys(messages)));
    for (const name of templates) {
      const text = readFileSync(new URL(name, viewsDirectory), 'utf8');
      for (const [, key = ''] of text.matchAll(/\b[tm]\('([\w.]+)'(?:,[^)]*)?\)/g)) {
        expect(known.has(key) || known.has(`${key}.other`), `${name}: ${key}`).to.equal(true);
      }
    }
  });

  it('use no word that only developers know', () => {
    for (const { name, html } of rendered.filter(({ isForUsers }) => isForUsers)) {
      expect(jargon.exec(visibleText(html))?.[0], name).to.equal(undefined);
    }
  });

  it('SE-08 S4: hold no inline script, handler or style', () => {
    for (const { name, html } of rendered) {
      expect(/<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|javascript:/i.exec(html)?.[0], name).to.equal(undefined);
    }
  });

  it('escape what applications and people call themselves', () => {
    const evil = '<img src=x onerror=alert(1)>"\'';
    const values = { client: { name: evil, host: evil, verified: false }, login: evil, action: evil, errors: [] };
    for (const { template } of gallery.filter(({ name }) => ['login', 'signup', 'logout', 'select-account'].includes(name))) {
      const html = views.render(template, 'en', { ...values, account: { name: evil, login: evil }, path: evil });
      expect(html, template).to.not.contain('<img');
      expect(html, template).to.not.match(/"'[^>]*onerror/);
    }
  });

  it('hold one form at most, posted, with one sign of where it came from', () => {
    for (const { name, html } of rendered) {
      // Filters of a list change nothing.
      const forms = (html.match(/<form\b[^>]*>/g) ?? []).filter((form) => !form.includes('role="search"'));
      expect(forms.length, name).to.be.at.most(1);
      for (const form of forms) expect(form, name).to.match(/method="post"/);
      expect(html.match(/name="_csrf"/g)?.length ?? 0, name).to.equal(forms.length);
    }
  });

  it('keep the field names of CONTRACT.md', () => {
    const page = (name: string): string => {
      const exhibit = gallery.find((candidate) => candidate.name === name);
      return exhibit === undefined ? '' : views.render(exhibit.template, 'en', exhibit.values);
    };
    expect(page('login'))
      .to.match(/<input[^>]*name="login"/)
      .and.to.match(/<input[^>]*name="password"/);
    expect(page('login').match(/type="submit"/g)).to.have.lengthOf(1);
    expect(page('signup'))
      .to.match(/<input[^>]*name="login"/)
      .and.to.match(/<input[^>]*name="password"/);
    for (const name of ['consent', 'device-confirm']) {
      expect(page(name), name).to.match(/<button[^>]*name="decision" value="allow"/);
      expect(page(name), name).to.match(/<button[^>]*name="decision" value="deny"/);
    }
    expect(page('device-code')).to.match(/<input[^>]*name="user_code"/);
    expect(page('logout')).to.match(/<button[^>]*name="logout" value="yes"/);
  });

  it('tell password managers and keyboards what each field is for', () => {
    const tokens: Record<string, Record<string, string>> = {
      login: { login: 'username', password: 'current-password' },
      signup: { name: 'name', login: 'username', password: 'new-password' },
      forgot: { login: 'username' },
      reset: { password: 'new-password' },
      password: { username: 'username', current: 'current-password', password: 'new-password' },
      mfa: { code: 'one-time-code' },
      'mfa-email-sent': { code: 'one-time-code' },
      enrol: { code: 'one-time-code' },
      'sign-in-link': { code: 'one-time-code' },
      'verify-waiting': { code: 'one-time-code' },
      invitation: { username: 'username', password: 'new-password' },
    };
    for (const [name, fields] of Object.entries(tokens)) {
      const exhibit = gallery.find((candidate) => candidate.name === name);
      const html = exhibit === undefined ? '' : views.render(exhibit.template, 'en', exhibit.values);
      for (const [field, token] of Object.entries(fields)) {
        const input = html.match(new RegExp(`<input[^>]*\\sname="${field}"[^>]*>`))?.[0] ?? '';
        expect(input, `${name}: ${field}`).to.contain(`autocomplete="${token}"`);
      }
    }
    const asked = gallery.find(({ name }) => name === 'login');
    const html = views.render('login', 'en', { ...asked?.values, passkeyUrl: '/passkey' });
    expect(html, 'passkeys offered where the name is typed').to.contain('autocomplete="username webauthn"');
  });

  it('weigh little: stylesheet under 30 kB, a sign-in page under 60 kB in all', () => {
    const css = views.assets.get('app.css')?.body.length ?? 0;
    const script = views.assets.get('forms.js')?.body.length ?? 0;
    const icon = views.assets.get('favicon.svg')?.body.length ?? 0;
    const page = Math.max(...rendered.filter(({ name }) => name.startsWith('login')).map(({ html }) => Buffer.byteLength(html)));
    expect(css).to.be.within(1, 30_000);
    expect(css + script + icon + page).to.be.below(60_000);
  });

  it('declare the layers of the stylesheet in their order', () => {
    expect(views.assets.get('app.css')?.body.toString()).to.match(/^@layer reset, tokens, base, components, pages;/);
  });
});

describe('P8 ui_locales, A12 languages', () => {
  it('follow the person, then the application, then the browser', () => {
    expect(chooseLocale({ cookie: 'en', uiLocales: 'vi', acceptLanguage: 'vi' })).to.equal('en');
    expect(chooseLocale({ uiLocales: 'de vi-VN en', acceptLanguage: 'en' })).to.equal('vi');
    expect(chooseLocale({ uiLocales: 'de fr', acceptLanguage: 'de;q=1, en;q=0.4, vi;q=0.8' })).to.equal('vi');
    expect(chooseLocale({ acceptLanguage: 'vi;q=0, *' })).to.equal('en');
    expect(chooseLocale({})).to.equal('en');
  });

  it('survive malformed wishes', () => {
    const wish = ';;;q=,,\u0000=vi;q=x'.repeat(1000);
    expect(chooseLocale({ cookie: '../vi', uiLocales: wish, acceptLanguage: wish })).to.equal('en');
  });
});
