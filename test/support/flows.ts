import { createHash, randomBytes } from 'node:crypto';
import { type Agent, createAgent, type Page, passPages, readForm } from './agent.ts';

export const callback = 'https://app.example.test/callback';

export interface TestClient {
  id: string;
  /** None: a public client. */
  secret?: string;
}

/** Registrations for the bootstrap file: a web application and a device. */
export const webClient = ({ id, secret }: TestClient): Record<string, unknown> => ({
  client_id: id,
  client_name: 'Acme Reports',
  redirect_uris: [callback],
  response_types: ['code'],
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  ...(secret === undefined
    ? { token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'] }
    : { client_secret: secret, token_endpoint_auth_method: 'client_secret_basic' }),
});

export const deviceClient = ({ id }: TestClient): Record<string, unknown> => ({
  client_id: id,
  client_name: 'Acme Television',
  redirect_uris: [],
  response_types: [],
  grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
  token_endpoint_auth_method: 'none',
});

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown>;
}

export interface Flows {
  /** A fresh verifier with its authorization request. */
  request(parameters?: Record<string, string>): { url: string; verifier: string };
  /** Signs in and consents. @returns what the redirect to the application carries */
  authorize(url: string, agent?: Agent): Promise<URLSearchParams>;
  /** Sign-in, consent and code in one. */
  code(parameters?: Record<string, string>, agent?: Agent): Promise<{ code: string; verifier: string }>;
  redeem(code: { code: string; verifier: string }, headers?: Record<string, string>): Promise<Answer>;
  /** Tokens of a fresh sign-in. */
  tokens(parameters?: Record<string, string>, agent?: Agent): Promise<{ access: string; refresh: string; id: string }>;
  refresh(token: string, headers?: Record<string, string>): Promise<Answer>;
  introspect(token: string, headers?: Record<string, string>): Promise<Answer>;
  userinfo(token: string, headers?: Record<string, string>): Promise<Answer>;
  /** A person enters the code and says yes. @returns the last page */
  approveDevice(verificationUri: string, userCode: string, agent?: Agent): Promise<Page>;
  /** A form to an endpoint of the provider, with the client's credentials. */
  post(path: string, form: Record<string, string>, headers?: Record<string, string>): Promise<Answer>;
}

const readJson = (text: string): Record<string, unknown> => {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
};

/** One request, its answer as JSON where it is some. */
export const ask = async (url: string, init: RequestInit = {}): Promise<Answer> => {
  const response = await fetch(url, { redirect: 'manual', ...init });
  return { status: response.status, headers: response.headers, body: readJson(await response.text()) };
};

const hasForm = (page: Page): boolean => /<form\b[^>]*method="post"/i.test(page.body);

export const createFlows = (issuer: string, client: TestClient, person: { login: string; password: string }): Flows => {
  const credentials: Record<string, string> =
    client.secret === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` };
  const post: Flows['post'] = (path, form, headers = {}) =>
    ask(`${issuer}${path}`, {
      method: 'POST',
      headers: { ...credentials, ...headers },
      body: new URLSearchParams(client.secret === undefined ? { client_id: client.id, ...form } : form),
    });

  const request: Flows['request'] = (parameters = {}) => {
    const verifier = randomBytes(32).toString('base64url');
    const query = {
      client_id: client.id,
      redirect_uri: callback,
      response_type: 'code',
      scope: 'openid email offline_access',
      prompt: 'consent',
      state: 'state',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...parameters,
    };
    return { url: `${issuer}/authorize?${new URLSearchParams(query)}`, verifier };
  };
  const authorize: Flows['authorize'] = async (url, agent = createAgent(issuer)) =>
    new URL(await passPages(agent, await agent.open(url), person)).searchParams;
  const code: Flows['code'] = async (parameters, agent) => {
    const { url, verifier } = request(parameters);
    const answer = await authorize(url, agent);
    const found = answer.get('code');
    if (found === null) throw new Error(`no code: ${answer}`);
    return { code: found, verifier };
  };
  const redeem: Flows['redeem'] = (grant, headers) =>
    post(
      '/token',
      { grant_type: 'authorization_code', code: grant.code, code_verifier: grant.verifier, redirect_uri: callback },
      headers,
    );

  return {
    request,
    authorize,
    code,
    redeem,
    tokens: async (parameters, agent) => {
      const { status, body } = await redeem(await code(parameters, agent));
      if (status !== 200) throw new Error(`no tokens: ${status} ${JSON.stringify(body)}`);
      return { access: String(body.access_token), refresh: String(body.refresh_token), id: String(body.id_token) };
    },
    refresh: (token, headers) => post('/token', { grant_type: 'refresh_token', refresh_token: token }, headers),
    introspect: (token, headers) => post('/introspect', { token }, headers),
    userinfo: (token, headers) => ask(`${issuer}/userinfo`, { headers: { authorization: `Bearer ${token}`, ...headers } }),
    approveDevice: async (verificationUri, userCode, agent = createAgent(issuer)) => {
      let page = await agent.open(verificationUri);
      for (let step = 0; step < 6 && hasForm(page); step += 1) {
        const { fields, buttons } = readForm(page);
        const isQuestion = buttons.some(({ name }) => name === 'decision');
        const isCode = 'user_code' in fields && !isQuestion;
        page = await agent.submit(page, isQuestion ? { decision: 'allow' } : isCode ? { user_code: userCode } : { ...person });
      }
      return page;
    },
    post,
  };
};
