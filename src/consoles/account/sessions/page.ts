import type { BrowserSession, Endings } from '../../../oidc/index.ts';
import { isUuid } from '../../../platform/crypto/index.ts';
import { Refusal } from '../../../platform/errors/index.ts';
import type { PageContext, PageRoutes } from '../../../platform/http/index.ts';
import type { Clock } from '../../../platform/ports.ts';
import { agoOf, type Locale } from '../../../platform/views/index.ts';
import type { SessionRow, Sessions } from '../../../sessions/index.ts';
import type { AccountSession } from '../session/page.ts';

export interface SessionPageDeps {
  devices: Sessions['devices'];
  endings: Pick<Endings, 'endSessions'>;
  session: AccountSession;
  /** MF-05: the level of sign-in that a change asks for. */
  neededLevel: Parameters<AccountSession['owner']>[1];
  clock: Clock;
}

const base = '/account/sessions';
/** The newest of them; whoever has more ends all others at once. */
const shown = 100;

/** Where a person is signed in, and the end of it (FEATURES A10, A13). */
export const mountSessionPages = (
  pages: PageRoutes,
  { devices, endings, session, neededLevel, clock }: SessionPageDeps,
): void => {
  const viewOf = (row: SessionRow, current: string, locale: Locale) => ({
    id: row.id,
    isCurrent: row.session_uid === current,
    device: row.device,
    browser: row.browser,
    os: row.os,
    ip: row.ip,
    place: row.place,
    seen: agoOf(row.last_seen_at, clock.now(), locale),
    seenAt: row.last_seen_at.toISOString(),
    startedAt: row.created_at.toISOString(),
  });

  const show = async (page: PageContext, { accountId, sessionUid }: BrowserSession, notice?: string): Promise<void> => {
    const rows = await devices.list(accountId, shown, undefined);
    const views = rows.map((row) => viewOf(row, sessionUid, page.locale));
    views.sort((one, other) => Number(other.isCurrent) - Number(one.isCurrent));
    page.render('sessions', { sessions: views, others: views.filter(({ isCurrent }) => !isCurrent).length, notice, base });
  };

  const end = (uids: readonly string[], id: string): Promise<void> =>
    endings.endSessions(uids, { cause: 'revoked', actor: { type: 'user', id } });

  /** SE-06, ASVS 7.5.2: after proving oneself again. */
  const asOwner = (work: (page: PageContext, owner: BrowserSession) => Promise<void>) => async (page: PageContext) => {
    const owner = await session.owner(page, neededLevel);
    if (owner) await work(page, owner);
  };

  pages.get(base, async (page) => {
    const person = await session.person(page);
    if (person) await show(page, person);
  });
  const endOthers = async (page: PageContext, owner: BrowserSession): Promise<void> => {
    const uids = await devices.uidsOf(owner.accountId);
    await end(
      uids.filter((uid) => uid !== owner.sessionUid),
      owner.accountId,
    );
    await show(page, owner, 'sessions.others_ended');
  };

  const endOne = async (page: PageContext, owner: BrowserSession, id: string): Promise<void> => {
    try {
      const { session_uid: uid } = await devices.find(id, owner.accountId);
      await end([uid], owner.accountId);
      if (uid === owner.sessionUid) return page.redirect('/');
    } catch (error) {
      // Over already, in another tab or by itself: that is what was wanted.
      if (!(error instanceof Refusal) || error.code !== 'session_not_found') throw error;
    }
    await show(page, owner, 'sessions.ended');
  };

  pages.post(
    base,
    asOwner(async (page, owner) => {
      const { end: id, others } = page.form;
      if (id !== undefined && isUuid(id)) return endOne(page, owner, id);
      if (others !== undefined) return endOthers(page, owner);
      page.redirect(base);
    }),
  );
};
