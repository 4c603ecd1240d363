import { type Authn, sentMethods } from '../../../authn/index.ts';
import type { BrowserSession } from '../../../oidc/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { Refusal, errors as shared } from '../../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import { familyOf } from '../../../sessions/index.ts';
import type { AccountSession } from '../session/page.ts';
import { createSocialOverview } from '../social/page.ts';
import { type CodePageDeps, mountCodePages } from './codes.ts';

export interface SecurityPageDeps {
  authn: Pick<Authn, 'factors' | 'totp' | 'webauthn' | 'trustedDevices' | 'upstream'> & CodePageDeps['authn'];
  session: AccountSession;
  clock: Clock;
  clientId: string;
}

type RememberedDevice = Awaited<ReturnType<Authn['trustedDevices']['list']>>[number];

interface FormProblem {
  field?: string;
  key: string;
  values?: Record<string, number>;
}

const base = '/account/security';
const maxNameLength = 60;

const postedName = ({ form }: PageContext): string => (form.name ?? '').trim().slice(0, maxNameLength);

const postedJson = (posted: string | undefined): unknown => {
  try {
    return JSON.parse(posted ?? '');
  } catch {
    return {};
  }
};

/** As its owner knows it: browser and system. */
const viewOfRemembered = ({ id, user_agent: userAgent, last_used_at: usedAt }: RememberedDevice) => {
  const { browser, os } = familyOf(userAgent ?? undefined);
  return { id, name: [browser, os].filter(Boolean).join(', '), usedAt: usedAt.toISOString() };
};

const bindingOf = ({ uid }: BrowserSession): string => `browser:${uid}`;

/** A person's own second factors: list, add, name, remove; recovery codes; remembered devices (FEATURES A6-A8, A13). */
export const mountSecurityPages = (pages: PageRoutes, { authn, session, clock, clientId }: SecurityPageDeps): void => {
  const { factors, totp, webauthn, trustedDevices, upstream } = authn;
  const social = createSocialOverview({ upstream, clientId });

  const overview = async (page: PageContext, accountId: string, notice?: string): Promise<void> => {
    const { devices, recoveryCodesLeft } = await factors.list(accountId);
    const remembered = (await trustedDevices.list(accountId)).map(viewOfRemembered);
    const held = new Set<string>(devices.map(({ kind }) => kind));
    const sendable = sentMethods.filter((method) => authn.codeEnrolment.isOffered(method) && !held.has(method));
    const factorsHeld = { devices, recoveryCodesLeft, remembered, sendable };
    page.render('security', { ...factorsHeld, notice, base, ...(await social(page, accountId)) });
  };

  /** Pages that change something: MF-05. */
  const asOwner = (work: (page: PageContext, owner: BrowserSession) => Promise<void>) => async (page: PageContext) => {
    const owner = await session.owner(page, factors.neededLevel);
    if (owner) await work(page, owner);
  };

  pages.get(base, async (page) => {
    const person = await session.person(page);
    if (person) await overview(page, person.accountId);
  });
  pages.post(
    base,
    asOwner(async (page, { accountId }) => {
      const { forget, device } = page.form;
      if (device !== undefined) {
        if (/^[0-9a-f-]{36}$/.test(device)) await trustedDevices.forgetOne(accountId, device);
        return overview(page, accountId, 'security.forgotten_one');
      }
      if (forget !== undefined) {
        await trustedDevices.forget(accountId);
        return overview(page, accountId, 'security.forgotten');
      }
      page.redirect(base);
    }),
  );

  mountCodePages(pages, { authn, clock, base, asOwner });

  const showApp = async (page: PageContext, accountId: string, problems: FormProblem[] = [], status = 200): Promise<void> => {
    const { secret, qrSvg } = (await totp.pending(accountId)) ?? (await totp.enable(accountId));
    const key = secret.match(/.{1,4}/g)?.join(' ') ?? secret;
    page.render('enrol', { action: `${base}/app`, backUrl: base, qrSvg, key, errors: problems }, status);
  };
  pages.get(
    `${base}/app`,
    asOwner((page, { accountId }) => showApp(page, accountId)),
  );
  pages.post(
    `${base}/app`,
    asOwner(async (page, { accountId }) => {
      const pending = await totp.pending(accountId);
      if (!pending) return page.redirect(base);
      const outcome = await totp.verify(accountId, pending.deviceId, page.form.code ?? '');
      if (outcome.kind === 'verified') return page.render('recovery-codes', { action: base, codes: outcome.recoveryCodes });
      if (outcome.kind === 'locked') {
        const seconds = Math.max(1, Math.ceil((outcome.until.getTime() - clock.now().getTime()) / 1000));
        page.ctx.set('Retry-After', String(seconds));
        return showApp(page, accountId, [{ key: 'mfa.locked', values: { count: Math.ceil(seconds / 60) } }], 429);
      }
      await showApp(page, accountId, [{ field: 'code', key: 'mfa.refused' }], 401);
    }),
  );

  const showPasskey = (page: PageContext, problems: FormProblem[] = [], status = 200): void =>
    page.render(
      'passkey-new',
      { action: `${base}/passkey`, registerUrl: `${base}/passkey/options`, base, errors: problems },
      status,
    );
  pages.get(
    `${base}/passkey`,
    asOwner(async (page) => showPasskey(page)),
  );
  pages.get(
    `${base}/passkey/options`,
    asOwner(async (page, owner) => {
      // MF-05: it keeps a challenge, so another site may not even ask.
      if (page.request.header('sec-fetch-site') === 'cross-site') throw shared.csrf_refused();
      page.ctx.type = 'application/json';
      page.ctx.body = JSON.stringify(await webauthn.registrationOptions(owner.accountId, bindingOf(owner)));
    }),
  );
  pages.post(
    `${base}/passkey`,
    asOwner(async (page, owner) => {
      try {
        const answer = postedJson(page.form.registration);
        const { recoveryCodes } = await webauthn.register(owner.accountId, bindingOf(owner), answer, postedName(page));
        if (recoveryCodes.length > 0) page.render('recovery-codes', { action: base, codes: recoveryCodes });
        else page.redirect(base);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        showPasskey(page, [{ key: 'passkey.refused' }], 400);
      }
    }),
  );

  const showDevice = async (page: PageContext, accountId: string, problems: FormProblem[] = [], status = 200): Promise<void> => {
    const { devices } = await factors.list(accountId);
    const device = devices.find(({ id }) => id === page.params.id);
    if (!device) throw shared.not_found();
    const isLast = devices.length === 1;
    page.render('factor-device', { action: `${base}/devices/${device.id}`, device, isLast, base, errors: problems }, status);
  };
  pages.get(
    `${base}/devices/:id`,
    asOwner((page, { accountId }) => showDevice(page, accountId)),
  );
  pages.post(
    `${base}/devices/:id`,
    asOwner(async (page, { accountId }) => {
      const { id } = page.params;
      if (!isUuid(id)) throw shared.not_found();
      const name = postedName(page);
      try {
        if (page.form.remove === undefined) {
          if (name === '') return showDevice(page, accountId, [{ field: 'name', key: 'security.missing_name' }], 400);
          await factors.rename(accountId, id, name);
        } else await factors.remove(accountId, { id });
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'factor_is_last') throw error;
        return showDevice(page, accountId, [{ key: 'security.is_last' }], 409);
      }
      page.redirect(base);
    }),
  );

  pages.get(
    `${base}/recovery-codes`,
    asOwner(async (page, { accountId }) => {
      const { recoveryCodesLeft } = await factors.list(accountId);
      page.render('recovery-codes-new', { action: `${base}/recovery-codes`, recoveryCodesLeft, base });
    }),
  );
  pages.post(
    `${base}/recovery-codes`,
    asOwner(async (page, { accountId }) =>
      page.render('recovery-codes', { action: base, codes: await factors.regenerateRecoveryCodes(accountId) }),
    ),
  );
};
