import { adminClientsGallery } from './admin-clients-gallery.ts';
import { adminGallery } from './admin-gallery.ts';

/** Every hosted page with ordinary, long and failing data, as the steps of `src/interactions` render it. */
export interface Exhibit {
  name: string;
  template: string;
  values: Record<string, unknown>;
}

const client = { name: 'Acme Reports', host: 'reports.acme.example', verified: true, policyUri: 'https://acme.example/privacy' };
const unverified = { name: 'MCP Inspector', host: 'localhost:6274', verified: false };
const long = {
  name: 'Trung tâm Điều hành Dữ liệu Khách hàng và Báo cáo Nghiệp vụ Liên Tỉnh',
  host: 'bao-cao.trung-tam-dieu-hanh-du-lieu-khach-hang-mien-trung.example.com.vn',
  verified: false,
};
const house = { name: 'Ủy ban Điều phối Vùng Duyên hải', accent: '#8a1c5c' };
const account = { name: 'Alice Nguyễn', login: 'alice@example.com' };
const longLogin = 'nguyen.thi.hoang-anh.phuong-thao.bao-chau+bao-cao-lien-tinh@mien-trung.example.com.vn';
const action = '/interaction/abcdefghijklmnop/login';
const form = { action, csrfToken: 'c5r7', path: '/interaction/abcdefghijklmnop', nonce: 'n0nce' };
const refused = [{ key: 'login.refused' }];

const others = [{ method: 'recovery', href: '/interaction/abcdefghijklmnop/mfa?method=recovery' }];
/** As `qrcode` draws one. */
const qrSvg =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h9v9H0z"/><path stroke="#000" d="M1 1.5h7M1 2.5h1m5 0h1M1 3.5h1m2 0h1m2 0h1M1 7.5h7"/></svg>';
const key = 'T3MP LWZT ZV3D XDFQ JQGA VMBT GKF4 IN77';
const codes = Array.from({ length: 10 }, (_, index) => `k7qm-2x${index}d-9wvb-4tfh`);

const remembered = [
  { id: '1', name: 'Chrome, Windows', usedAt: '2026-11-24T09:00:00.000Z' },
  { id: '2', name: '', usedAt: '2026-11-02T09:00:00.000Z' },
];

const factorDevices = [
  { id: '1', kind: 'totp', name: '', createdAt: '2026-11-02T09:00:00.000Z', lastUsedAt: '2026-11-24T09:00:00.000Z' },
  {
    id: '2',
    kind: 'webauthn',
    name: 'Khóa bảo mật dự phòng ở văn phòng chi nhánh miền Trung',
    createdAt: '2026-11-02T09:00:00.000Z',
    lastUsedAt: null,
    isBackedUp: true,
  },
];

const session = {
  id: '1',
  isCurrent: true,
  device: 'Computer',
  browser: 'Firefox 145',
  os: 'Linux',
  ip: '203.0.113.7',
  place: 'Hanoi, Vietnam',
  seen: '3 minutes ago',
  seenAt: '2026-11-24T09:00:00.000Z',
  startedAt: '2026-11-20T09:00:00.000Z',
};
const sessions = [
  session,
  {
    ...session,
    id: '2',
    isCurrent: false,
    device: 'Samsung SM-G991B',
    browser: 'Chrome Mobile WebView 141',
    os: 'Android 14',
    ip: '2001:db8:85a3:8d3:1319:8a2e:370:7348',
    place: 'Thành phố Hồ Chí Minh, Vietnam',
  },
  { ...session, id: '3', isCurrent: false, device: null, browser: 'castellan-backup/1.4 (cron)', os: null, place: null },
];
const accountParts = [
  { name: 'identifiers', href: '/account/identifiers' },
  { name: 'password', href: '/account/password' },
  { name: 'security', href: '/account/security' },
  { name: 'sessions', href: '/account/sessions' },
  { name: 'applications', href: '/account/applications' },
  { name: 'approvals', href: '/approvals' },
];
const invitation = { ...form, path: '/invitation', email: longLogin, organization: 'Acme Việt Nam' };

const about = {
  title: 'About you',
  items: [
    { icon: 'key', title: 'That it is you', detail: 'A number that stands for your account' },
    { icon: 'mail', title: 'Your e-mail address', detail: 'alice@example.com' },
    { icon: 'person', title: 'Your profile', detail: 'Alice Nguyễn, en' },
  ],
};
const orders = {
  title: 'At Orders',
  items: [
    { icon: 'check', title: 'Read orders' },
    { icon: 'check', title: 'Change and cancel orders' },
    {
      icon: 'clock',
      title: 'Access while you are away',
      detail: 'What you allow here stays possible after you have closed Acme Reports, until you sign out there or take it back',
    },
  ],
};
const many = {
  title: 'At Trung tâm Điều hành Dữ liệu Khách hàng và Báo cáo Nghiệp vụ Liên Tỉnh',
  items: Array.from({ length: 40 }, (_, index) => ({
    icon: 'check',
    title: `Xem và chỉnh sửa báo cáo nghiệp vụ số ${index + 1}`,
  })),
};

const wrongCode = [{ field: 'code', key: 'recovery.wrong_code' }];
const notice = (name: string, kind: string, link = 'link.home'): Exhibit => ({
  name: name.replace(/[._]/g, '-'),
  template: 'notice',
  values: { path: '/', key: name, kind, links: [{ key: link, href: '/' }] },
});

/** Forgotten passwords, confirmed addresses, unlocking. */
const recovery: readonly Exhibit[] = [
  { name: 'forgot', template: 'forgot', values: { ...form, path: '/forgot' } },
  {
    name: 'forgot-limited',
    template: 'forgot',
    values: { ...form, login: longLogin, errors: [{ key: 'recovery.too_many', values: { count: 14 } }] },
  },
  { name: 'forgot-organization', template: 'forgot', values: { ...form, house, path: '/forgot' } },
  {
    name: 'reset-done-organization',
    template: 'notice',
    values: {
      house,
      key: 'reset.done',
      kind: 'success',
      links: [{ key: 'link.continue', href: '/interaction/1', values: { client: long.name } }],
      path: '/',
    },
  },
  { name: 'forgot-sent', template: 'mail-sent', values: { ...form, about: 'forgot', shown: '123 456', again: '/forgot' } },
  {
    name: 'verify-waiting',
    template: 'mail-sent',
    values: { ...form, about: 'verify', shown: '123 456', again: '/verify/again', hasCode: true },
  },
  {
    name: 'verify-waiting-wrong',
    template: 'mail-sent',
    values: { ...form, about: 'verify', shown: '123 456', again: '/verify/again', hasCode: true, errors: wrongCode },
  },
  { name: 'verify-again', template: 'verify-again', values: { ...form, login: longLogin } },
  ...['verify-email', 'email-new', 'email-old', 'email-undo', 'phone-undo', 'add-email', 'unlock'].map((kind) => ({
    name: `verify-${kind}`,
    template: 'verify',
    values: { ...form, kind },
  })),
  { name: 'verify-other', template: 'verify', values: { ...form, kind: 'verify-email', isOther: true } },
  { name: 'verify-other-wrong', template: 'verify', values: { ...form, kind: 'email-new', isOther: true, errors: wrongCode } },
  { name: 'reset', template: 'reset', values: form },
  {
    name: 'reset-other-errors',
    template: 'reset',
    values: { ...form, isOther: true, errors: [...wrongCode, { field: 'password', key: 'signup.breached_password' }] },
  },
  ...[
    'reset.done',
    'verify.verified',
    'verify.waiting',
    'verify.applied',
    'verify.undone',
    'verify.phone-undone',
    'verify.unlocked',
    'verify.confirmed',
  ].map((name) => notice(name, 'success')),
  notice('reset.gone', 'warning', 'link.forgot'),
  notice('verify.gone', 'warning', 'link.verify'),
];

const offers = ['Google', 'GitHub', 'Facebook', 'Đăng nhập chung của Trung tâm Điều hành Miền Trung'].map((displayName) => ({
  displayName,
  href: '/interaction/abcdefghijklmnop/upstream/x',
}));
const connecting = { provider: 'GitHub', who: longLogin };

/** Other providers' sign-ins. */
const upstream: readonly Exhibit[] = [
  { name: 'login-offers', template: 'login', values: { ...form, client, offers, canCancel: true, signupUrl: '/signup' } },
  {
    name: 'login-offers-problem',
    template: 'login',
    values: { ...form, client, offers, problem: { key: 'upstream.unavailable', values: { provider: 'Google' } } },
  },
  {
    name: 'login-connecting',
    template: 'login',
    values: { ...form, client, offers, connecting, connectUrl: action, canCancel: true },
  },
  { name: 'signup-offers', template: 'signup', values: { ...form, client, offers, loginUrl: action } },
  ...['address_missing', 'address_unproven', 'address_taken', 'sign_up_closed'].map((reason) => ({
    name: `connect-${reason.replace(/_/g, '-')}`,
    template: 'upstream-connect',
    values: {
      ...form,
      client,
      loginUrl: action,
      connecting: { ...connecting, reason },
      canCreate: reason.startsWith('address_un'),
    },
  })),
  {
    name: 'social-connect',
    template: 'social-connect',
    values: { ...form, provider: 'Google', person: account, base: '/account' },
  },
  {
    name: 'social-account',
    template: 'social-account',
    values: {
      ...form,
      account: {
        providerName: 'GitHub',
        name: 'octocat',
        email: longLogin,
        linkedAt: '2026-11-02T09:00:00.000Z',
        lastUsedAt: null,
      },
      base: '/account/security',
      errors: [{ key: 'social.is_last' }],
    },
  },
  {
    name: 'security-connected',
    template: 'security',
    values: {
      ...form,
      devices: [],
      recoveryCodesLeft: 0,
      base: '/account/security',
      connected: [
        { href: '#', providerName: 'Google', email: 'alice@example.com' },
        { href: '#', providerName: 'GitHub', email: longLogin },
      ],
      connectable: offers,
    },
  },
  { name: 'applications-none', template: 'applications', values: { ...form, items: [] } },
  {
    name: 'applications',
    template: 'applications',
    values: {
      ...form,
      notice: 'applications.ended',
      items: [client, unverified, long].map((one) => ({ ...one, href: '#', agreedAt: '2026-11-02T09:00:00.000Z' })),
    },
  },
  {
    name: 'application',
    template: 'application',
    values: {
      ...form,
      application: long,
      groups: [about, orders],
      agreedAt: '2026-11-02T09:00:00.000Z',
      base: '/account/applications',
    },
  },
  {
    name: 'upstream-over',
    template: 'error',
    values: { path: '/', kind: 'upstream_over', error: 'social_sign_in_over', requestId: '1' },
  },
];

const address = {
  id: '1',
  type: 'email',
  value: 'alice@example.com',
  verified: true,
  primary: true,
  createdAt: '2026-11-02T09:00:00.000Z',
};
const otherAddress = { ...address, id: '2', value: longLogin, primary: false };
const number = { ...address, id: '3', type: 'phone', value: '+84912345678', verified: false, primary: false };
const identifierForm = { ...form, base: '/account/identifiers' };

/** What a person signs in by. */
const identifiers: readonly Exhibit[] = [
  {
    name: 'identifiers',
    template: 'identifiers',
    values: {
      ...identifierForm,
      notice: 'identifiers.done.added',
      groups: [
        { type: 'email', items: [address, otherAddress] },
        { type: 'phone', items: [number] },
        { type: 'username', items: [] },
      ],
    },
  },
  ...[address, otherAddress, number, { ...address, type: 'username', value: 'alice.nguyễn' }].map((identifier) => ({
    name: `identifier-${identifier.type}-${identifier.id}`,
    template: 'identifier',
    values: { ...identifierForm, identifier, errors: identifier.id === '2' ? [{ key: 'identifiers.problem.held' }] : [] },
  })),
  ...['email', 'phone', 'username'].map((type) => ({
    name: `identifier-new-${type}`,
    template: 'identifier-new',
    values: {
      ...identifierForm,
      type,
      value: 'admin',
      errors: [
        type === 'username' ? { key: 'identifiers.problem.unusable' } : { field: 'value', key: `identifiers.${type}.invalid` },
      ],
    },
  })),
  ...['email', 'phone', 'phone-old', 'email-old'].map((step) => ({
    name: `identifier-confirm-${step}`,
    template: 'identifier-confirm',
    values: { ...identifierForm, step, shown: '123 456', again: '#', errors: step === 'phone' ? wrongCode : [] },
  })),
];

export const gallery: readonly Exhibit[] = [
  ...recovery,
  ...identifiers,
  ...upstream,
  ...adminGallery,
  ...adminClientsGallery,
  {
    name: 'home',
    template: 'home',
    values: {
      path: '/',
      host: 'id.acme.example',
      doors: ['account', 'signup', 'device', 'admin', 'docs'].map((name) => ({ name, href: `/${name}` })),
    },
  },
  {
    name: 'login',
    template: 'login',
    values: { ...form, client, canCancel: true, signupUrl: `${action}/signup` },
  },
  {
    name: 'login-organization',
    template: 'login',
    values: {
      ...form,
      client: { ...client, house: { name: 'Ủy ban Điều phối Vùng Duyên hải', accent: '#8a1c5c' } },
      canCancel: true,
    },
  },
  { name: 'login-known', template: 'login', values: { ...form, client, canCancel: true, login: 'alice@example.com' } },
  {
    name: 'login-refused',
    template: 'login',
    values: { ...form, client, canCancel: true, signupUrl: '/signup', login: 'alice@example.com', errors: refused },
  },
  {
    name: 'login-empty',
    template: 'login',
    values: {
      ...form,
      client,
      canCancel: true,
      errors: [
        { field: 'login', key: 'login.missing_login' },
        { field: 'password', key: 'login.missing_password' },
      ],
    },
  },
  {
    name: 'login-locked',
    template: 'login',
    values: { ...form, client, login: 'alice@example.com', errors: [{ key: 'login.locked', values: { count: 14 } }] },
  },
  {
    name: 'login-signed-up',
    template: 'login',
    values: { ...form, client, login: 'alice@example.com', notice: { kind: 'success', key: 'login.signed_up' } },
  },
  {
    name: 'login-long',
    template: 'login',
    values: {
      ...form,
      client: long,
      organization: 'Ủy ban Điều phối Cơ sở Dữ liệu Vùng Duyên hải Nam Trung Bộ',
      canCancel: true,
      signupUrl: '/signup',
      login: longLogin,
      errors: refused,
    },
  },
  { name: 'signup', template: 'signup', values: { ...form, client, loginUrl: '/login' } },
  {
    name: 'signup-errors',
    template: 'signup',
    values: {
      ...form,
      loginUrl: '/login',
      name: 'Alice Nguyễn',
      login: 'alice@',
      errors: [
        { field: 'login', key: 'signup.invalid_login' },
        { field: 'password', key: 'signup.short_password', values: { count: 8 } },
      ],
    },
  },
  { name: 'consent', template: 'consent', values: { ...form, client, account, groups: [about, orders] } },
  { name: 'consent-unverified', template: 'consent', values: { ...form, client: unverified, account, groups: [about] } },
  {
    name: 'consent-long',
    template: 'consent',
    values: {
      ...form,
      client: long,
      account: { name: longLogin, login: longLogin },
      groups: [about, many],
      already: ['Your e-mail address', 'Read orders'],
    },
  },
  { name: 'select-account', template: 'select-account', values: { ...form, client, account } },
  {
    name: 'select-account-long',
    template: 'select-account',
    values: { ...form, client: long, account: { name: long.name, login: longLogin } },
  },
  {
    name: 'mfa',
    template: 'mfa',
    values: { ...form, client, account, method: 'totp', others, canCancel: true, canRemember: true },
  },
  {
    name: 'mfa-refused',
    template: 'mfa',
    values: { ...form, client: long, account, method: 'totp', others, errors: [{ field: 'code', key: 'mfa.refused' }] },
  },
  {
    name: 'mfa-recovery',
    template: 'mfa',
    values: { ...form, client, account, method: 'recovery', others: [{ method: 'totp', href: '/' }], canCancel: true },
  },
  {
    name: 'mfa-passkey',
    template: 'mfa',
    values: { ...form, client, account, method: 'webauthn', passkeyUrl: '/interaction/x/passkey', others, canRemember: true },
  },
  {
    name: 'mfa-email',
    template: 'mfa',
    values: { ...form, client, account, method: 'email', sending: { to: 'a•••@example.com' }, others, canCancel: true },
  },
  {
    name: 'mfa-unusual',
    template: 'mfa',
    values: { ...form, client, account, method: 'email', sending: { to: 'a•••@example.com' }, others: [], isUnusual: true },
  },
  {
    name: 'mfa-email-sent',
    template: 'mfa',
    values: {
      ...form,
      client,
      account,
      method: 'email',
      sending: { to: 'a•••@example.com', isCodeSent: true },
      others,
      canCancel: true,
      canRemember: true,
      errors: [{ key: 'mfa.send_wait', values: { count: 21 } }],
    },
  },
  {
    name: 'code-new-phone',
    template: 'code-new',
    values: { ...form, method: 'sms', base: '/account/security', errors: [{ field: 'phone', key: 'code_new.sms.wrong' }] },
  },
  {
    name: 'code-new-sent',
    template: 'code-new',
    values: { ...form, method: 'sms', base: '/account/security', pending: { to: '••• 958' } },
  },
  { name: 'code-new-email', template: 'code-new', values: { ...form, method: 'email', base: '/', to: 'a•••@example.com' } },
  { name: 'sign-in-link', template: 'sign-in-link', values: { ...form, client, loginUrl: '/login' } },
  { name: 'sign-in-link-ready', template: 'sign-in-link', values: { ...form, client: long, loginUrl: '/login', isReady: true } },
  {
    name: 'sign-in-link-elsewhere',
    template: 'notice',
    values: { ...form, key: 'link.elsewhere', kind: 'info' },
  },
  {
    name: 'login-work',
    template: 'login',
    values: {
      ...form,
      client,
      login: 'alice@example.com',
      isLinkOffered: true,
      task: { challenge: '1764000000.abc.def', bits: 18 },
      errors: [{ key: 'login.work' }],
      canCancel: true,
    },
  },
  { name: 'enrol', template: 'enrol', values: { ...form, client, qrSvg, key, isForced: true, canCancel: true } },
  {
    name: 'enrol-refused',
    template: 'enrol',
    values: { ...form, client, qrSvg, key, backUrl: '/account/security', errors: [{ field: 'code', key: 'mfa.refused' }] },
  },
  { name: 'recovery-codes', template: 'recovery-codes', values: { ...form, client, codes } },
  { name: 'password', template: 'password', values: { ...form, action: '/account/password', path: '/account/password' } },
  {
    name: 'password-errors',
    template: 'password',
    values: {
      ...form,
      action: '/account/password',
      path: '/account/password',
      errors: [
        { field: 'current', key: 'password.wrong_current' },
        { field: 'password', key: 'signup.breached_password' },
      ],
    },
  },
  notice('password.changed', 'success', 'link.account'),
  { name: 'account', template: 'account', values: { ...form, path: '/account', account, parts: accountParts } },
  { name: 'sessions', template: 'sessions', values: { ...form, base: '/account/sessions', sessions, others: 2 } },
  {
    name: 'sessions-one',
    template: 'sessions',
    values: { ...form, base: '/account/sessions', sessions: [session], others: 0, notice: 'sessions.others_ended' },
  },
  { name: 'invitation', template: 'invitation', values: invitation },
  {
    name: 'invitation-errors',
    template: 'invitation',
    values: { ...invitation, organization: undefined, errors: [{ field: 'password', key: 'signup.breached_password' }] },
  },
  { name: 'invitation-join', template: 'invitation', values: { ...invitation, hasAccount: true } },
  {
    name: 'invitation-join-wrong',
    template: 'invitation',
    values: { ...invitation, hasAccount: true, isSignedIn: true, errors: [{ key: 'invitation.not_yours' }] },
  },
  notice('invitation.accepted', 'success', 'link.account'),
  notice('invitation.gone', 'warning'),
  {
    name: 'login-branded',
    template: 'login',
    values: { ...form, client: { ...client, accent: '#8a1c5c' }, canCancel: true, signupUrl: '/signup' },
  },
  {
    name: 'terms',
    template: 'terms',
    values: {
      ...form,
      client,
      terms: { version: '2026-11', title: 'Terms of use of Acme Việt Nam', url: 'https://acme.example/terms' },
    },
  },
  {
    name: 'signup-terms',
    template: 'signup',
    values: {
      ...form,
      client,
      terms: { version: '2026-11', title: 'Terms of use', url: 'https://acme.example/terms' },
      errors: [{ field: 'terms', key: 'signup.missing_terms' }],
    },
  },
  { name: 'signup-approval', template: 'signup', values: { ...form, client, needsApproval: true } },
  {
    name: 'verify-first',
    template: 'mail-sent',
    values: { ...form, about: 'verify_first', shown: '123 456', again: '/verify/again', hasCode: true },
  },
  { name: 'error-sessions', template: 'error', values: { kind: 'sessions', error: 'session_limit_reached', path: '/' } },
  { name: 'security-none', template: 'security', values: { ...form, base: '/account/security', devices: [], remembered: [] } },
  {
    name: 'security',
    template: 'security',
    values: { ...form, base: '/account/security', devices: factorDevices, recoveryCodesLeft: 2, remembered },
  },
  {
    name: 'factor-device',
    template: 'factor-device',
    values: { ...form, base: '/account/security', device: factorDevices[1] },
  },
  {
    name: 'factor-device-last',
    template: 'factor-device',
    values: {
      ...form,
      base: '/account/security',
      device: factorDevices[0],
      isLast: true,
      errors: [{ key: 'security.is_last' }],
    },
  },
  {
    name: 'passkey-new',
    template: 'passkey-new',
    values: { ...form, base: '/account/security', registerUrl: '/account/security/passkey/options' },
  },
  {
    name: 'recovery-codes-new',
    template: 'recovery-codes-new',
    values: { ...form, base: '/account/security', recoveryCodesLeft: 4 },
  },
  { name: 'device-code', template: 'device-code', values: { ...form, path: '/device', hidden: { xsrf: 'x' } } },
  {
    name: 'device-code-wrong',
    template: 'device-code',
    values: { ...form, path: '/device', userCode: 'BCDF-GHJX', errors: [{ field: 'user_code', key: 'device.wrong' }] },
  },
  {
    name: 'device-confirm',
    template: 'device-confirm',
    values: { ...form, path: '/device', client, userCode: 'BCDF-GHJK', device: { ip: '203.0.113.7', browser: 'AcmeTV/3.1' } },
  },
  {
    name: 'device-over',
    template: 'notice',
    values: { path: '/device', key: 'device.over', kind: 'warning', links: [{ key: 'link.device', href: '/device' }] },
  },
  { name: 'device-done', template: 'notice', values: { path: '/device', key: 'device.done', kind: 'success', client } },
  {
    name: 'device-denied',
    template: 'notice',
    values: { path: '/device', key: 'device.denied', links: [{ key: 'link.device', href: '/device' }] },
  },
  { name: 'logout', template: 'logout', values: { ...form, path: '/', client, account } },
  { name: 'logout-plain', template: 'logout', values: { ...form, path: '/' } },
  {
    name: 'logout-leaving',
    template: 'logout-frames',
    // The page leads on by itself: within itself here, so that it stands still to be looked at.
    values: { path: '/', frames: [], continueTo: '#left' },
  },
  {
    name: 'logout-done',
    template: 'notice',
    values: { path: '/', key: 'logout.done', kind: 'success', links: [{ key: 'link.home', href: '/' }] },
  },
  ...[
    'expired',
    'other_browser',
    'unknown_client',
    'redirect',
    'logout_redirect',
    'request',
    'form',
    'not_found',
    'approval_over',
    'logout_over',
    'logout_again',
    'closed',
  ].map((kind) => ({
    name: `error-${kind.replace('_', '-')}`,
    template: 'error',
    values: {
      path: '/',
      kind,
      client: kind === 'redirect' || kind === 'expired' ? client : undefined,
      links: [{ key: 'link.home', href: '/' }],
      error: kind === 'unknown_client' ? 'invalid_client' : undefined,
      description: kind === 'unknown_client' ? 'client is invalid' : undefined,
      requestId: '0193f2c1-7a5e-7b8b-9c39-6f0f2a4f9c11',
    },
  })),
  {
    name: 'outbox',
    template: 'outbox',
    values: {
      path: '/dev/outbox',
      mails: ['Confirm your e-mail address', 'Choose a new password'].map((subject, index) => ({
        id: `m${index}`,
        subject,
        to: index === 0 ? 'alice@example.com' : longLogin,
        at: '2026-11-25T04:27:17.710Z',
        pieces: [
          { text: 'Hello Alice,\n\nfollow this link within an hour:\n\n' },
          { text: 'http://localhost:3001/verify?token=abc', href: 'http://localhost:3001/verify?token=abc' },
          { text: '\n\nYou did not ask for it? Then do nothing.\n' },
        ],
      })),
    },
  },
  { name: 'outbox-empty', template: 'outbox', values: { path: '/dev/outbox', mails: [] } },
  ...['denied', 'too_many', 'unavailable', 'internal'].map((kind) => ({
    name: `error-${kind.replace('_', '-')}`,
    template: 'error',
    values: { path: '/', kind, requestId: '0193f2c1-7a5e-7b8b-9c39-6f0f2a4f9c11' },
  })),
];
