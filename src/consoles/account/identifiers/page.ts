import type { Authn, IdentifierView, ProvenType } from '../../../authn/index.ts';
import { type FormError, flowOf, keepFlow, missingCode, spaced, tooMany, wrongCode } from '../../../interactions/index.ts';
import type { BrowserSession } from '../../../oidc/index.ts';
import { Refusal, errors as shared } from '../../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import type { AccountSession } from '../session/page.ts';

export interface IdentifierPageDeps {
  authn: Pick<Authn, 'identifiers' | 'factors'>;
  session: AccountSession;
  clock: Clock;
}

const base = '/account/identifiers';
const types = ['email', 'phone', 'username'] as const;
type Type = (typeof types)[number];
/** What a code is asked for: a new address or number, or the present number's word for another one. */
type Step = ProvenType | 'phone-old';

/** What a refused wish says on the page; anything else is a fault. */
const problems: ReadonlySet<string> = new Set([
  'identifier_held',
  'identifier_is_last',
  'identifier_is_primary',
  'identifier_limit_reached',
  'identifier_not_offered',
  'identifier_unproven',
  'identifier_unusable',
]);

/** What the overview says after it. */
const doneBy: Readonly<Record<string, string>> = { confirmed: 'added', primary: 'primary' };

const problemOf = (error: unknown): FormError => {
  if (!(error instanceof Refusal) || !problems.has(error.code)) throw error;
  return { key: `identifiers.problem.${error.code.slice('identifier_'.length)}` };
};

const askerOf = (page: PageContext) => ({ ip: page.request.ip, flow: flowOf(page).flow, locale: page.locale });

/** What a person signs in by and is reached at: list, add, confirm, make primary, remove (FEATURES A3, A13). */
export const mountIdentifierPages = (pages: PageRoutes, { authn, session, clock }: IdentifierPageDeps): void => {
  const { identifiers, factors } = authn;

  /** RS-07. */
  const asOwner = (work: (page: PageContext, owner: BrowserSession) => Promise<void>) => async (page: PageContext) => {
    const owner = await session.owner(page, factors.neededLevel);
    if (owner) await work(page, owner);
  };

  const overview = async (page: PageContext, accountId: string, notice?: string): Promise<void> => {
    const all = await identifiers.list(accountId);
    const groups = types.map((type) => ({ type, items: all.filter((one) => one.type === type) }));
    const offered = groups.filter(({ type, items }) => type !== 'phone' || items.length > 0 || identifiers.isTextingOffered());
    page.render('identifiers', { groups: offered, base, notice });
  };

  pages.get(base, async (page) => {
    const person = await session.person(page);
    const notice =
      page.query.done === 'primary' || page.query.done === 'added' ? `identifiers.done.${page.query.done}` : undefined;
    if (person) await overview(page, person.accountId, notice);
  });

  const mountConfirm = (step: Step): void => {
    const path = `${base}/confirm/${step}`;
    const show = (page: PageContext, errors: FormError[] = [], status = 200): void => {
      const { shown } = flowOf(page);
      const again = step === 'phone-old' ? base : `${base}/new/${step}`;
      if (shown === undefined) page.redirect(base);
      else page.render('identifier-confirm', { action: path, step, shown: spaced(shown), again, base, errors }, status);
    };
    const prove = (page: PageContext, accountId: string): Promise<{ kind: string }> => {
      const presented = { flow: flowOf(page).flow, code: page.form.code };
      if (step === 'phone-old') return identifiers.confirmPrimaryPhone(accountId, presented);
      return identifiers.confirm(step, presented, accountId);
    };
    const confirm = async (page: PageContext, accountId: string): Promise<void> => {
      if ((page.form.code ?? '').trim() === '') return show(page, [missingCode], 400);
      const { kind } = await prove(page, accountId);
      const done = doneBy[kind];
      if (done !== undefined) return page.redirect(`${base}?done=${done}`);
      show(page, [kind === 'gone' ? { key: 'identifiers.problem.gone' } : wrongCode], 400);
    };
    pages.get(
      path,
      asOwner(async (page) => show(page)),
    );
    pages.post(
      path,
      asOwner((page, { accountId }) => confirm(page, accountId)),
    );
  };

  const mountNew = (type: Type): void => {
    const path = `${base}/new/${type}`;
    const show = (page: PageContext, errors: FormError[] = [], status = 200): void =>
      page.render('identifier-new', { action: path, type, value: page.form.value, base, errors }, status);
    const add = async (page: PageContext, accountId: string, value: string): Promise<void> => {
      const outcome = await identifiers.add(accountId, type, value, askerOf(page));
      if (outcome.kind === 'invalid') return show(page, [{ field: 'value', key: `identifiers.${type}.invalid` }], 400);
      if (outcome.kind === 'limited') return show(page, [tooMany(page, outcome.until, clock.now())], 429);
      if (outcome.kind === 'added') return page.redirect(`${base}?done=added`);
      keepFlow(page, outcome);
      page.redirect(`${base}/confirm/${type}`);
    };
    pages.get(
      path,
      asOwner(async (page) => show(page)),
    );
    pages.post(
      path,
      asOwner(async (page, { accountId }) => {
        const value = (page.form.value ?? '').trim();
        if (value === '' || value.length > 320) return show(page, [{ field: 'value', key: `identifiers.${type}.missing` }], 400);
        await add(page, accountId, value).catch((error: unknown) => show(page, [problemOf(error)], 409));
      }),
    );
  };

  const find = async (page: PageContext, accountId: string): Promise<IdentifierView> => {
    const found = (await identifiers.list(accountId)).find(({ id }) => id === page.params.id);
    if (!found) throw shared.not_found();
    return found;
  };
  const show = (page: PageContext, identifier: IdentifierView, errors: FormError[] = [], status = 200): void =>
    page.render('identifier', { action: `${base}/${identifier.id}`, identifier, base, errors }, status);

  const promote = async (page: PageContext, accountId: string, identifier: IdentifierView): Promise<void> => {
    const outcome = await identifiers.makePrimary(accountId, identifier.id, askerOf(page));
    if (outcome.kind === 'limited') return show(page, identifier, [tooMany(page, outcome.until, clock.now())], 429);
    if (outcome.kind === 'primary') return page.redirect(`${base}?done=primary`);
    keepFlow(page, outcome);
    if (identifier.type === 'phone') return page.redirect(`${base}/confirm/phone-old`);
    page.render('identifier-confirm', { step: 'email-old', shown: spaced(outcome.shown), again: base, base });
  };
  const change = async (page: PageContext, accountId: string, identifier: IdentifierView): Promise<void> => {
    if (page.form.remove === undefined) return promote(page, accountId, identifier);
    await identifiers.remove(accountId, identifier.id);
    await overview(page, accountId, 'identifiers.done.removed');
  };

  for (const step of ['email', 'phone', 'phone-old'] as const) mountConfirm(step);
  types.forEach(mountNew);
  pages.get(
    `${base}/:id`,
    asOwner(async (page, { accountId }) => show(page, await find(page, accountId))),
  );
  pages.post(
    `${base}/:id`,
    asOwner(async (page, { accountId }) => {
      const identifier = await find(page, accountId);
      await change(page, accountId, identifier).catch((error: unknown) => show(page, identifier, [problemOf(error)], 409));
    }),
  );
};
