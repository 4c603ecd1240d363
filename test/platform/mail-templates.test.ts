import { readdirSync } from 'node:fs';
import { expect } from 'chai';
import { type RenderedMail, renderMail } from '../../src/platform/mail/render.ts';
import { createViews, type Locale, locales } from '../../src/platform/views/index.ts';

const issuer = 'https://id.acme.example';
const views = createViews({ logoAddress: (uri) => uri && `/application-logo?uri=${encodeURIComponent(uri)}` });
const link = `${issuer}/reset?ticket=s3cr3t-t1ck3t`;
const at = '2026-12-01T09:05:00.000Z';
const ip = '203.0.113.7';
const notice = (name: string) => ({ notice: name, at, ip, provider: 'GitHub' });
const change = (name: string) => ({ change: name, value: 'alice@example.com', at });

/** What each template is given by who owes it. */
const templates: Record<string, Record<string, unknown>[]> = {
  'account-locked': [{ link, minutes: 30 }],
  'address-taken': [{ link }],
  'approval-requested': [
    { link, minutes: 10, application: 'Acme Reports', bindingMessage: '4-RED' },
    { link, minutes: 1, application: 'Acme Reports' },
  ],
  'email-change-new': [{ link, minutes: 30, address: 'new@example.com' }],
  'email-change-old': [{ link, minutes: 30, address: 'new@example.com' }],
  'email-changed': [true, false].map((isKept) => ({ link, address: 'new@example.com', isKept, at })),
  'factor-code': [{ code: '482913', count: 10 }],
  'identifier-changed': ['added', 'removed', 'primary'].map(change),
  'identifier-proof': [{ link, code: '482913', minutes: 30 }],
  invitation: [
    { link, count: 7, organization: 'Acme', inviter: 'boss@acme.example' },
    { link, count: 1 },
  ],
  'new-device': [{ link, at, ip, browser: 'Firefox, Linux' }],
  'password-changed': [{ link, at }],
  'password-reset': [{ link, minutes: 30 }],
  'registration-approved': [{ link }],
  'registration-rejected': [{}],
  'security-notice': [
    'factor_added',
    'factor_removed',
    'recovery_codes_made',
    'factors_locked',
    'sign_in_refused',
    'factors_reset',
    'identity_linked',
    'identity_unlinked',
    'address_claimed',
  ].map(notice),
  'sign-in-code': [{ code: '482913', minutes: 10 }],
  'sign-in-link': [{ link, code: '482913', minutes: 10 }],
  'token-reused': [{ link, at, application: 'Acme Reports' }],
  'verify-email': [{ link, code: '482913', minutes: 30 }],
};

/** Nothing was asked for that somebody else could have asked for, or what to do is the mail's whole content. */
const withoutAdvice = new Set(['registration-approved', 'email-changed']);
const advice: Record<Locale, RegExp> = { en: /\bIf (you|this|the wrong)\b/, vi: /Nếu (bạn|không|những)/ };

const letters = (locale: Locale, house?: Parameters<typeof renderMail>[1]['house']) =>
  Object.entries(templates).flatMap(([template, given]) =>
    given.map((values) => ({
      name: `${template} ${values.notice ?? values.change ?? ''} (${locale})`,
      template,
      values,
      mail: renderMail({ template, locale, values }, { views, issuer, house }),
    })),
  );
const addresses = ({ text, html }: RenderedMail): string[] => [
  ...(text.match(/https?:[^\s]+/g) ?? []),
  ...[...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, address = '']) => address),
];

describe('O10 every mail there is', () => {
  it('is here', () => {
    const files = readdirSync(new URL('../../views/mail/', import.meta.url)).map((name) => name.replace('.njk', ''));
    const frames = ['html', 'html-parts', 'text', 'text-parts'];
    expect(Object.keys(templates).sort()).to.deep.equal(files.filter((name) => !frames.includes(name)).sort());
  });

  for (const locale of locales) {
    it(`is whole in both bodies: its link, its code, when, and what to do if it was not you (${locale})`, () => {
      for (const { name, template, values, mail } of letters(locale)) {
        const { subject, text, html } = mail;
        for (const body of [subject, text, html]) expect(body, name).to.not.match(/undefined|null|\{\w*\}|\[object|mail\.\w|NaN/);
        expect(text, name).to.not.match(/<\w|&(amp|lt|#39|quot);|\n{3}/);
        for (const value of [values.link, values.code, values.address, values.value, values.application, values.inviter].filter(
          Boolean,
        )) {
          expect(text, name).to.contain(String(value));
          expect(html, name).to.contain(String(value).replaceAll('&', '&amp;'));
        }
        if (values.at !== undefined) expect(text, name).to.contain('2026').and.to.contain('09:05 UTC');
        if (!withoutAdvice.has(template)) expect(text, name).to.match(advice[locale]);
        expect(html, name)
          .to.contain(`<html lang="${locale}">`)
          .and.to.not.match(/<script|<link|<img|\son\w+=|url\(/);
      }
    });
  }

  it('has a subject of its own, without secrets or codes, that is not the English one in Vietnamese', () => {
    const [english, vietnamese] = locales.map((locale) => letters(locale).map(({ mail }) => mail.subject));
    for (const [index, subject] of (english ?? []).entries()) {
      expect(subject).to.match(/^[\p{L}].{8,80}$/u);
      expect(subject).to.not.match(/\d{4,}|s3cr3t|https?:/);
      expect(vietnamese?.[index]).to.not.equal(subject);
    }
    const notices = letters('en').filter(({ template }) => template === 'security-notice');
    expect(new Set(notices.map(({ mail }) => mail.subject)).size).to.equal(notices.length);
  });

  it('RS-01 leads to ISSUER only, also where an organization shows its logo', () => {
    const house = { name: 'Acme', logoUri: 'https://cdn.evil.example/logo.png', accent: '#8a1c5c' };
    for (const worn of [undefined, house])
      for (const { name, mail } of letters('en', worn))
        for (const address of addresses(mail)) expect(new URL(address).origin, `${name}: ${address}`).to.equal(issuer);
  });

  it('TN-06 shows an organization by name, colour and picture, as text and nothing else', () => {
    const evil = '</style><script>alert(1)</script>';
    const { text, html } = renderMail(
      { template: 'password-reset', locale: 'vi', values: { link, minutes: 30 } },
      { views, issuer, house: { name: evil, logoUri: 'https://acme.example/"onload=x.png', accent: '#8a1c5c' } },
    );
    expect(html).to.not.contain('<script').and.to.not.contain('"onload');
    expect(html).to.contain('background: #8a1c5c; color: #fff').and.to.contain('&lt;/style&gt;');
    expect(text.split('\n')[0]).to.equal(evil);
    const plain = renderMail({ template: 'password-reset', values: { link, minutes: 30 } }, { views, issuer });
    expect(plain.html).to.not.contain('class="house"');
  });
});
