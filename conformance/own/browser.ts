import { type Agent, createAgent, type Page, readForm } from '../../test/support/agent.ts';

/** What a person met on the way: kinds of pages in order, and where it ended. */
export interface Visit {
  shown: ('sign-in' | 'consent' | 'logout' | 'form-post')[];
  pages: Page[];
  /** The answer that left for the relying party, absent when a page of the provider was the end. */
  callback?: { url: URL; mode: 'query' | 'fragment' | 'form_post'; parameters: URLSearchParams };
}

export interface Person {
  login: string;
  password: string;
}

interface VisitOptions {
  stop?: Visit['shown'][number];
  deny?: boolean;
  post?: URLSearchParams;
}

export interface Browser {
  readonly agent: Agent;
  /** Opens an address and passes every page in between; `stop` ends at the first page of that kind, `deny` refuses consent. */
  visit(url: string, options?: VisitOptions): Promise<Visit>;
}

const kindOf = (page: Page, origin: string): Visit['shown'][number] | undefined => {
  if (!/<form\b/i.test(page.body)) return undefined;
  const form = readForm(page);
  if (new URL(form.action).origin !== origin) return 'form-post';
  if (form.buttons.some(({ name }) => name === 'decision')) return 'consent';
  if (form.buttons.some(({ name }) => name === 'logout')) return 'logout';
  return 'login' in form.fields || 'password' in form.fields ? 'sign-in' : undefined;
};

const callbackOf = (location: URL): NonNullable<Visit['callback']> =>
  location.hash.length > 1
    ? { url: location, mode: 'fragment', parameters: new URLSearchParams(location.hash.slice(1)) }
    : { url: location, mode: 'query', parameters: location.searchParams };

const leaving = (page: Page, origin: string): URL | undefined => {
  const location = page.headers.get('location');
  if (page.status < 300 || page.status > 399 || location === null) return undefined;
  const url = new URL(location, page.url);
  return url.origin === origin ? undefined : url;
};

export const createBrowser = (origin: string, person: Person): Browser => {
  const agent = createAgent(origin);
  const answers = (deny: boolean) => ({
    'sign-in': { login: person.login, password: person.password },
    consent: { decision: deny ? 'deny' : 'allow' },
    logout: { logout: 'yes' },
  });

  const first = async (url: string, post?: URLSearchParams): Promise<Page> => {
    if (!post) return agent.open(url);
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const page = await agent.request(url, { method: 'POST', headers, body: post.toString() });
    const location = page.headers.get('location');
    return location === null || leaving(page, origin) ? page : agent.open(new URL(location, url).href);
  };

  const leave = (page: Page, visit: Visit): boolean => {
    const away = leaving(page, origin);
    if (away) visit.callback = callbackOf(away);
    return away !== undefined;
  };

  /** The page after this one, or `undefined` when the visit ends here. */
  const pass = async (page: Page, visit: Visit, { stop, deny = false }: VisitOptions): Promise<Page | undefined> => {
    visit.pages.push(page);
    if (leave(page, visit)) return undefined;
    const kind = kindOf(page, origin);
    if (kind === undefined) return undefined;
    visit.shown.push(kind);
    if (kind === stop) return undefined;
    if (kind !== 'form-post') return agent.submit(page, answers(deny)[kind]);
    const form = readForm(page);
    visit.callback = { url: new URL(form.action), mode: 'form_post', parameters: new URLSearchParams(form.fields) };
    return undefined;
  };

  return {
    agent,
    visit: async (url, options = {}) => {
      const visit: Visit = { shown: [], pages: [] };
      let page: Page | undefined = await first(url, options.post);
      while (page && visit.pages.length < 8) page = await pass(page, visit, options);
      if (page) throw new Error(`the pages do not end; last at ${page.url} (${page.status})`);
      return visit;
    },
  };
};
