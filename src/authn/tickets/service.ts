import { constantTimeEqual, type Envelope, randomSecret, sha256, uuidv7 } from '../../platform/crypto/index.ts';
import type { Clock } from '../../platform/ports.ts';
import { digitsOf, sixDigits } from '../codes/digits.ts';
import type { FailureRepository } from '../password/repository.ts';
import type { TicketPurpose, TicketRepository, TicketRow } from './repository.ts';

/** What the mail holds, and what the browser that asked is given. Kept nowhere but there (RS-03). */
export interface Issued {
  /** For the link: 256 bits. */
  secret: string;
  /** For the mail: entered in the browser that asked. */
  code: string;
  /** For the browser that asked: entered where the link is opened in another one (RS-13). */
  shown: string;
  /** Held by the browser that asked. */
  flow: string;
  expiresAt: Date;
}

export interface TicketWish {
  purpose: TicketPurpose;
  /** Absent where nobody has the address. */
  userId: string | undefined;
  address: string | undefined;
  subjectId?: string | undefined;
  /** What the browser holds already. */
  flow?: string | undefined;
  /** Shown already for another ticket of the same step. */
  shown?: string | undefined;
  /** At most 1800 but for the undoing of a change (RS-03). */
  seconds: number;
}

/** What somebody brings: the link, or the code of the mail; and what shows that they asked. */
export interface Presented {
  secret?: string | undefined;
  flow?: string | undefined;
  /** With the link: the code shown where it was asked for. Without it: the code of the mail. */
  code?: string | undefined;
}

export type Proven =
  | { kind: 'proven'; ticket: TicketRow }
  /** The link is good, but another browser asked: the code shown there is needed. */
  | { kind: 'code_needed' }
  | { kind: 'code_wrong' }
  /** Used, replaced, too old, or never there. */
  | { kind: 'gone' };

/** RS-12. */
const triesPerTicket = 5;
const triesPerHour = 10;

export interface TicketDeps {
  tickets: TicketRepository;
  failures: Pick<FailureRepository, 'count'>;
  envelope: Pick<Envelope, 'blindIndex'>;
  clock: Clock;
}

/** As long as what `randomSecret` makes. */
const isSecret = (value: string | undefined): value is string => value !== undefined && /^[\w-]{43}$/.test(value);

/** Single-use proofs by mail: a secret for the link and a code, bound to the browser that asked (RS-03, RS-12, RS-13). */
export const createTickets = ({ tickets, failures, envelope, clock }: TicketDeps) => {
  const codeHash = (id: string, kind: 'mailed' | 'shown', code: string): string =>
    envelope.blindIndex(`${id}\0${kind}\0${code}`, 'ticket-code');

  const isTryLeft = async (ticket: TicketRow): Promise<boolean> => {
    const now = clock.now();
    const key = envelope.blindIndex(`codes\0${ticket.user_id ?? ticket.browser_hash}`, 'failures');
    const { count } = await failures.count({ key, now, windowSeconds: 3600, limit: triesPerHour });
    return count <= triesPerHour && (await tickets.countTry(ticket.id, triesPerTicket, now));
  };

  const compare = async (ticket: TicketRow, kind: 'mailed' | 'shown', code: string): Promise<Proven> => {
    if (!(await isTryLeft(ticket))) return { kind: 'gone' };
    const wanted = kind === 'shown' ? ticket.shown_hash : ticket.code_hash;
    return constantTimeEqual(codeHash(ticket.id, kind, digitsOf(code)), wanted)
      ? { kind: 'proven', ticket }
      : { kind: 'code_wrong' };
  };

  const isAsker = ({ browser_hash: hash }: TicketRow, flow: string | undefined): boolean =>
    isSecret(flow) && constantTimeEqual(sha256(flow), hash);

  const byLink = async (purpose: TicketPurpose, { secret, flow, code }: Presented): Promise<Proven> => {
    const ticket = isSecret(secret) ? await tickets.bySecret(sha256(secret), purpose, clock.now()) : undefined;
    if (!ticket) return { kind: 'gone' };
    if (isAsker(ticket, flow)) return { kind: 'proven', ticket };
    return code === undefined || code === '' ? { kind: 'code_needed' } : compare(ticket, 'shown', code);
  };

  const byCode = async (purpose: TicketPurpose, { flow, code = '' }: Presented): Promise<Proven> => {
    const ticket = isSecret(flow) ? await tickets.byBrowser(sha256(flow), purpose, clock.now()) : undefined;
    return ticket ? compare(ticket, 'mailed', code) : { kind: 'gone' };
  };

  return {
    /** The earlier ones of this person and purpose end (RS-03). @param bound to the transaction that mails it */
    issue: async (bound: TicketRepository, wish: TicketWish): Promise<Issued> => {
      const { purpose, userId, address, subjectId = null, flow: held, seconds } = wish;
      const now = clock.now();
      const id = uuidv7(now);
      const [secret, code, shown] = [randomSecret(), sixDigits(), wish.shown ?? sixDigits()];
      const flow = isSecret(held) ? held : randomSecret();
      const expiresAt = new Date(now.getTime() + seconds * 1000);
      await bound.endOf(userId ?? id, purpose, subjectId, now);
      await bound.insert({
        id,
        purpose,
        user_id: userId ?? null,
        address: address ?? null,
        subject_id: subjectId,
        secret_hash: sha256(secret),
        code_hash: codeHash(id, 'mailed', code),
        shown_hash: codeHash(id, 'shown', shown),
        browser_hash: sha256(flow),
        created_at: now,
        expires_at: expiresAt,
      });
      return { secret, code, shown, flow, expiresAt };
    },
    /** Changes nothing but the count of tries at a code: a scanner that opens the link spends nothing. */
    prove: (purpose: TicketPurpose, presented: Presented): Promise<Proven> =>
      presented.secret === undefined ? byCode(purpose, presented) : byLink(purpose, presented),
    /** Whoever holds the link may act, from any browser: for what its holder did not ask for. */
    held: async (purpose: 'email-undo' | 'phone-undo' | 'unlock', secret: string | undefined): Promise<TicketRow | undefined> =>
      isSecret(secret) ? tickets.bySecret(sha256(secret), purpose, clock.now()) : undefined,
    /** Whether the link still leads somewhere, and whether this browser asked. */
    look: async (purpose: TicketPurpose, { secret, flow }: Presented): Promise<'own' | 'other' | 'gone'> => {
      const ticket = isSecret(secret) ? await tickets.bySecret(sha256(secret), purpose, clock.now()) : undefined;
      if (!ticket) return 'gone';
      return isAsker(ticket, flow) ? 'own' : 'other';
    },
  };
};

export type Tickets = ReturnType<typeof createTickets>;
