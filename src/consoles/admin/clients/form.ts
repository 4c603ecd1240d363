import { ClientBody } from '../../../oidc/index.ts';
import { errors } from '../../../platform/errors/index.ts';
import { checkOf, type PageContext } from '../../../platform/http/index.ts';
import { jsonOf, linesOf, textOf } from '../shell/forms.ts';

const checkBody = checkOf(ClientBody);

/** Field of the form, and what it stands for. */
export const grants = {
  grant_code: 'authorization_code',
  grant_refresh: 'refresh_token',
  grant_client: 'client_credentials',
  grant_device: 'urn:ietf:params:oauth:grant-type:device_code',
  grant_exchange: 'urn:ietf:params:oauth:grant-type:token-exchange',
  grant_ciba: 'urn:openid:params:grant-type:ciba',
} as const;
const known = new Set<string>(Object.values(grants));

export const methods = [
  'client_secret_basic',
  'client_secret_post',
  'client_secret_jwt',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
  'none',
] as const;

/** Members with a field of their own; all others stand as JSON, so that nothing is lost by saving. */
const fields = [
  'client_name',
  'application_type',
  'token_endpoint_auth_method',
  'redirect_uris',
  'post_logout_redirect_uris',
  'grant_types',
  'scope',
  'first_party',
  'organization_id',
] as const;
/** What the server adds to a client's document. */
const served = ['id', 'client_id', 'source', 'verified', 'disabledAt', 'createdAt', 'updatedAt', 'secrets'] as const;

type Document = Readonly<Record<string, unknown>>;
type Form = PageContext['form'];

const listed = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const without = (document: Document, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(document).filter(([name]) => !names.includes(name)));

/** The form that a client's document fills. */
export const formOf = (view: Document, version: number): Record<string, unknown> => {
  const types = listed(view.grant_types ?? ['authorization_code']);
  const rest = without(view, [...fields, ...served]);
  const others = types.filter((type) => !known.has(type));
  return {
    ...view,
    version,
    application_type: view.application_type ?? 'web',
    token_endpoint_auth_method: view.token_endpoint_auth_method ?? 'client_secret_basic',
    redirect_uris: listed(view.redirect_uris).join('\n'),
    post_logout_redirect_uris: listed(view.post_logout_redirect_uris).join('\n'),
    ...Object.fromEntries(Object.entries(grants).map(([field, type]) => [field, types.includes(type)])),
    rest: JSON.stringify(others.length > 0 ? { ...rest, grant_types: others } : rest, null, 2),
  };
};

const restOf = (form: Form): Record<string, unknown> => {
  const rest = jsonOf(form, 'rest') ?? {};
  if (typeof rest === 'object' && rest !== null && !Array.isArray(rest)) return rest as Record<string, unknown>;
  throw errors.invalid_request({ errors: [{ path: '/rest', message: 'must be a JSON object' }] });
};

/** A list that was left empty and is not needed was not given. */
const optionalList = (form: Form, name: string): Record<string, string[]> => {
  const lines = linesOf(form, name);
  return lines.length === 0 ? {} : { [name]: lines };
};

/** The document as the API would get it. @throws invalid_request */
export const bodyOf = (form: Form) => {
  const { grant_types: others, ...rest } = restOf(form);
  const chosen = Object.entries(grants).flatMap(([field, type]) => (form[field] === undefined ? [] : [type]));
  const types = [...chosen, ...listed(others)];
  const clientId = textOf(form, 'client_id');
  const scope = textOf(form, 'scope');
  return checkBody({
    ...rest,
    ...(clientId === undefined ? {} : { client_id: clientId }),
    client_name: textOf(form, 'client_name'),
    application_type: textOf(form, 'application_type'),
    token_endpoint_auth_method: textOf(form, 'token_endpoint_auth_method'),
    redirect_uris: linesOf(form, 'redirect_uris'),
    ...optionalList(form, 'post_logout_redirect_uris'),
    grant_types: types,
    // RFC 7591 §2: what is left out means the code flow, which not every client has.
    ...(types.includes(grants.grant_code) || 'response_types' in rest ? {} : { response_types: [] }),
    ...(scope === undefined ? {} : { scope }),
    first_party: form.first_party !== undefined,
    organization_id: textOf(form, 'organization_id') ?? null,
  });
};
