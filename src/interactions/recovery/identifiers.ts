import { Type } from '@sinclair/typebox';
import type { AskOutcome, ConfirmOutcome, Identifiers } from '../../authn/index.ts';
import { errors as shared } from '../../platform/errors/index.ts';
import { type AdminRoutes, answer, listOf } from '../../platform/http/index.ts';
import type { Clock, Principal } from '../../platform/ports.ts';
import { askerOf, presented, refuse } from './routes.ts';
import { TokenBody, VerifyBody } from './schema.ts';

export interface IdentifierRouteDeps {
  identifiers: Identifiers;
  /** MF-05, RS-07: recently, and with a factor where there is one. */
  requireOwner(principal: Principal): Promise<void>;
  clock: Clock;
}

const closed = { additionalProperties: false };
const sent = [Type.Literal('email'), Type.Literal('phone')] as const;
const Kind = Type.Union([...sent, Type.Literal('username')]);
const Params = Type.Object({ id: Type.String({ format: 'uuid' }) }, closed);
const AddBody = Type.Object({ type: Kind, value: Type.String({ minLength: 1, maxLength: 320 }) }, closed);
const ConfirmBody = Type.Object({ type: Type.Union([...sent]), ...VerifyBody.properties }, closed);
const { code, flow } = VerifyBody.properties;
const PhoneBody = Type.Object({ code, flow }, closed);
const View = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    type: Kind,
    value: Type.String(),
    verified: Type.Boolean(),
    primary: Type.Boolean(),
    signsIn: Type.Boolean(),
    createdAt: Type.String({ format: 'date-time' }),
  },
  closed,
);
const base = '/api/v1/identity/identifiers';
const what = {
  email: 'is not an address that can be used here',
  phone: 'is not a phone number with its country code',
  username: 'is 3 to 32 Latin letters and digits with single dots, dashes or underscores between',
};

/** A person's own identifiers (FEATURES A3). Nobody else's are reached, and whose a taken one is, no answer tells. */
export const mountIdentifierRoutes = (admin: AdminRoutes, { identifiers, requireOwner, clock }: IdentifierRouteDeps): void => {
  /** @throws too_many_requests */
  const asked = (outcome: AskOutcome) => {
    if (outcome.kind === 'asked') {
      const { flow: held, shown, expiresAt } = outcome;
      return answer({ status: 202, body: { flow: held, confirmationCode: shown, expiresAt: expiresAt.toISOString() } });
    }
    const seconds = Math.ceil((outcome.until.getTime() - clock.now().getTime()) / 1000);
    throw shared.too_many_requests({ headers: { 'Retry-After': String(Math.max(1, seconds)) } });
  };
  const confirmed = (outcome: ConfirmOutcome) => (outcome.kind === 'confirmed' ? outcome.identifier : refuse(outcome.kind));
  const viewOf = async (accountId: string, id: string) => {
    const found = (await identifiers.list(accountId)).find((one) => one.id === id);
    if (!found) throw shared.not_found();
    return found;
  };

  admin.get(
    base,
    { summary: 'List what I sign in by', permission: 'self', response: listOf(View), status: 200 },
    async ({ principal }) => ({
      items: principal.type === 'user' ? await identifiers.list(principal.id) : [],
      nextCursor: null,
    }),
  );
  admin.post(
    base,
    {
      summary: 'Add an address, a phone number (both confirmed by a code) or a user name',
      permission: 'self',
      body: AddBody,
      response: View,
      status: 201,
    },
    async ({ body: { type, value }, principal, request }) => {
      await requireOwner(principal);
      const outcome = await identifiers.add(principal.id, type, value, askerOf(request));
      if (outcome.kind === 'invalid') throw shared.invalid_request({ errors: [{ path: '/value', message: what[type] }] });
      return outcome.kind === 'added' ? outcome.identifier : asked(outcome);
    },
  );
  admin.post(
    `${base}/confirm`,
    {
      summary: 'Confirm an address or a number by the code or link that was sent',
      permission: 'self',
      body: ConfirmBody,
      response: View,
      status: 200,
    },
    async ({ body, principal }) => confirmed(await identifiers.confirm(body.type, presented(body), principal.id)),
  );
  admin.post(
    `${base}/confirm-primary`,
    {
      summary: 'Agree to another primary phone number by the code that came to the present one',
      permission: 'self',
      body: PhoneBody,
      status: 204,
    },
    async ({ body, principal }) => {
      const { kind } = await identifiers.confirmPrimaryPhone(principal.id, presented(body));
      return kind === 'primary' ? undefined : refuse(kind);
    },
  );
  admin.post(
    `${base}/undo`,
    {
      summary: 'Take a change of the primary phone number back by the link that was sent; every session ends',
      permission: 'public',
      body: TokenBody,
      status: 204,
    },
    async ({ body }) => {
      const { kind } = await identifiers.undoPhone({ secret: body.token });
      return kind === 'gone' ? refuse(kind) : undefined;
    },
  );
  admin.post(
    `${base}/:id/primary`,
    {
      summary: 'Make it the primary one of its kind; the one before is asked by mail or text message and agrees (202)',
      permission: 'self',
      params: Params,
      response: View,
      status: 200,
    },
    async ({ params, principal, request }) => {
      await requireOwner(principal);
      const outcome = await identifiers.makePrimary(principal.id, params.id, askerOf(request));
      return outcome.kind === 'primary' ? viewOf(principal.id, params.id) : asked(outcome);
    },
  );
  admin.delete(
    `${base}/:id`,
    { summary: 'Remove what I sign in by', permission: 'self', params: Params, status: 204 },
    async ({ params, principal }) => {
      await requireOwner(principal);
      await identifiers.remove(principal.id, params.id);
      return undefined;
    },
  );
};
