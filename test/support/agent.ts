/** A browser without script: keeps cookies, follows redirects, reads and posts forms. */
export interface Page {
  url: string;
  status: number;
  headers: Headers;
  body: string;
}

interface Cookie {
  value: string;
  path: string;
}

export interface Form {
  action: string;
  fields: Record<string, string>;
  /** Named submit buttons, as `name=value`. */
  buttons: { name: string; value: string }[];
}

export interface Agent {
  /** GETs and follows redirects while they stay on `origin`; a redirect elsewhere is returned as its page. */
  open(url: string): Promise<Page>;
  /** Posts the page's first form with the given fields over its own hidden ones. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>;
  request(url: string, init?: RequestInit): Promise<Page>;
  readonly cookies: Map<string, Cookie>;
}

const unescapeHtml = (text: string): string =>
  text
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&#x2F;', '/')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');

const attribute = (tag: string, name: string): string | undefined => {
  const match = new RegExp(`\\s${name}=(?:"([^"]*)"|'([^']*)'|([^\\s>]+))`, 'i').exec(tag);
  const value = match?.[1] ?? match?.[2] ?? match?.[3];
  return value === undefined ? undefined : unescapeHtml(value);
};

/** The first POST form of a page. */
export const readForm = (page: Page): Form => {
  const forms = [...page.body.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/gi)].map(([text]) => text);
  const form = forms.find((text) => attribute(text.slice(0, text.indexOf('>') + 1), 'method')?.toLowerCase() === 'post');
  if (form === undefined) throw new Error(`no form on ${page.url} (${page.status})`);
  const action = attribute(form.slice(0, form.indexOf('>') + 1), 'action') ?? page.url;
  const fields: Record<string, string> = {};
  for (const [tag] of form.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(tag, 'name');
    const type = attribute(tag, 'type') ?? 'text';
    const isOff = (type === 'checkbox' || type === 'radio') && !/\schecked\b/i.test(tag);
    if (name !== undefined && !isOff) fields[name] = attribute(tag, 'value') ?? '';
  }
  const buttons = [...form.matchAll(/<button\b[^>]*>/gi)].flatMap(([tag]) => {
    const name = attribute(tag, 'name');
    return name === undefined ? [] : [{ name, value: attribute(tag, 'value') ?? '' }];
  });
  return { action: new URL(action, page.url).href, fields, buttons };
};

const maxRedirects = 12;

/**
 * @param origin where redirects are followed and cookies belong
 * @param always headers of every request: what browser it is, where it comes from
 */
export const createAgent = (origin: string, always: Record<string, string> = {}): Agent => {
  const cookies = new Map<string, Cookie>();

  const keep = (headers: Headers): void => {
    for (const line of headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf('='));
      const value = pair.slice(pair.indexOf('=') + 1);
      const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? '/';
      const expires = attributes.find((part) => /^expires=/i.test(part))?.slice(8);
      const key = `${name};${path}`;
      if (value === '' || (expires !== undefined && Date.parse(expires) < Date.now())) cookies.delete(key);
      else cookies.set(key, { value, path });
    }
  };

  const cookieHeader = (path: string): string =>
    [...cookies]
      .filter(
        ([, cookie]) => path === cookie.path || path.startsWith(cookie.path.endsWith('/') ? cookie.path : `${cookie.path}/`),
      )
      .map(([key, { value }]) => `${key.slice(0, key.indexOf(';'))}=${value}`)
      .join('; ');

  const request = async (url: string, init: RequestInit = {}): Promise<Page> => {
    const headers = new Headers(init.headers);
    for (const [name, value] of Object.entries(always)) headers.set(name, value);
    if (!headers.has('accept')) headers.set('accept', 'text/html');
    const cookie = cookieHeader(new URL(url).pathname);
    if (cookie !== '') headers.set('cookie', cookie);
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    keep(response.headers);
    return { url, status: response.status, headers: response.headers, body: await response.text() };
  };

  const follow = async (first: Page): Promise<Page> => {
    let page = first;
    for (let hop = 0; hop < maxRedirects; hop += 1) {
      const location = page.headers.get('location');
      if (page.status < 300 || page.status > 399 || location === null) return page;
      const next = new URL(location, page.url);
      if (next.origin !== origin) return page;
      page = await request(next.href);
    }
    throw new Error(`too many redirects at ${page.url}`);
  };

  return {
    cookies,
    request,
    open: async (url) => follow(await request(url)),
    submit: async (page, fields) => {
      const form = readForm(page);
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', origin },
        body: new URLSearchParams({ ...form.fields, ...fields }).toString(),
      };
      return follow(await request(form.action, init));
    },
  };
};

/** Answers sign-in and consent pages until the provider redirects elsewhere; returns that address. */
export const passPages = async (agent: Agent, start: Page, credentials: { login: string; password: string }): Promise<string> => {
  let page = start;
  for (let step = 0; step < 6; step += 1) {
    const location = page.headers.get('location');
    if (page.status >= 300 && page.status < 400 && location !== null) return new URL(location, page.url).href;
    const form = readForm(page);
    if (form.buttons.some(({ name }) => name === 'decision')) page = await agent.submit(page, { decision: 'allow' });
    else if ('password' in form.fields || 'login' in form.fields) page = await agent.submit(page, credentials);
    else throw new Error(`a page nobody expected: ${page.url} (${page.status})`);
  }
  throw new Error(`sign-in did not end; last at ${page.url} (${page.status})`);
};
