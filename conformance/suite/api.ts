/** The HTTP API of the OpenID Foundation's conformance suite, as far as it is needed to run plans. */
export interface SuiteModule {
  testModule: string;
  variant?: Record<string, string> | null;
}

export interface SuitePlan {
  id: string;
  modules: SuiteModule[];
}

export interface LogEntry {
  src?: string;
  result?: string;
  msg?: string;
}

export interface SuiteApi {
  /** @throws when the suite does not answer or refuses the token */
  ready(): Promise<void>;
  createPlan(plan: string, variant: Record<string, string>, configuration: object): Promise<SuitePlan>;
  startModule(planId: string, module: SuiteModule): Promise<string>;
  /** Only `oidcc-server-rotate-keys` waits for it. */
  startByHand(moduleId: string): Promise<void>;
  /** The state reached, or `undefined` when the suite's own patience (30 s) ran out first. */
  waitFor(moduleId: string, states: readonly string[]): Promise<string | undefined>;
  result(moduleId: string): Promise<{ status: string; result: string }>;
  log(moduleId: string): Promise<LogEntry[]>;
  cancel(moduleId: string): Promise<void>;
  exportHtml(planId: string): Promise<Uint8Array>;
}

export class SuiteError extends Error {
  override readonly name = 'SuiteError';
  readonly status: number;
  constructor(call: string, status: number, body: string) {
    super(`${call}: ${status} ${body.slice(0, 300)}`);
    this.status = status;
  }
}

export const createSuiteApi = (server: string, token: string | undefined): SuiteApi => {
  const call = async (method: string, path: string, body?: object): Promise<Response> => {
    const headers = { ...(token ? { authorization: `Bearer ${token}` } : {}), 'content-type': 'application/json' };
    const init = { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await fetch(new URL(path, server), init);
    if (!response.ok) throw new SuiteError(`${method} ${path.split('?')[0]}`, response.status, await response.text());
    return response;
  };
  const query = (values: Record<string, string>): string => new URLSearchParams(values).toString();
  const json = async (response: Response): Promise<Record<string, unknown>> => {
    const value: unknown = await response.json();
    return typeof value === 'object' && value !== null ? { ...value } : {};
  };

  return {
    ready: async () => void (await call('GET', '/api/plan?length=1')),
    createPlan: async (plan, variant, configuration) => {
      const parameters = query({ planName: plan, variant: JSON.stringify(variant) });
      const { id, modules } = await json(await call('POST', `/api/plan?${parameters}`, configuration));
      return { id: String(id), modules: modules as SuiteModule[] };
    },
    startModule: async (planId, { testModule, variant }) => {
      const parameters = query({ test: testModule, plan: planId, variant: JSON.stringify(variant ?? {}) });
      const { id } = await json(await call('POST', `/api/runner?${parameters}`));
      return String(id);
    },
    startByHand: async (id) => void (await call('POST', `/api/runner/${id}`)),
    waitFor: async (id, states) => {
      const parameters = query({ states: states.join(','), timeoutMs: '30000' });
      const { state } = await json(await call('GET', `/api/runner/${id}/wait-state?${parameters}`));
      return typeof state === 'string' ? state : undefined;
    },
    result: async (id) => {
      const { status, result } = await json(await call('GET', `/api/info/${id}`));
      return { status: String(status), result: String(result) };
    },
    log: async (id) => (await (await call('GET', `/api/log/${id}`)).json()) as LogEntry[],
    cancel: async (id) => void (await call('DELETE', `/api/runner/${id}`)),
    exportHtml: async (id) => new Uint8Array(await (await call('GET', `/api/plan/exporthtml/${id}`)).arrayBuffer()),
  };
};
