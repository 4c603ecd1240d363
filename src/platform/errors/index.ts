/**
 * Typed refusals. One refusal has three faces, chosen at the HTTP boundary: RFC 9457 problem documents for APIs,
 * OAuth error responses for the protocol, a page for people.
 */

/** One mistake in the input: where, and what to do about it. */
export interface FieldError {
  /** JSON Pointer into the body, or `query/name`, `params/name`, `headers/name`. */
  path: string;
  message: string;
}

export interface RefusalOptions {
  /** Stable machine-readable code, unique over all rooms; listed in docs/errors.md. */
  code: string;
  status: number;
  title: string;
  detail?: string | undefined;
  errors?: readonly FieldError[] | undefined;
  headers?: Record<string, string> | undefined;
  /** Goes to the log, never into an answer. */
  cause?: unknown;
  /** Further members of the problem document (RFC 9457 §3.2), e.g. the permission's name. */
  extensions?: Record<string, unknown> | undefined;
}

const faultStackFrames = 30;

/** In production stacks are short (`src/start.ts`), those of faults are not. */
const withStack = (error: Error): void => {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = faultStackFrames;
  Error.captureStackTrace(error, Refusal);
  Error.stackTraceLimit = stackTraceLimit;
};

/** A refusal that the caller can understand. Anything else that is thrown is a fault and becomes a 500. */
export class Refusal extends Error {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string | undefined;
  readonly errors: readonly FieldError[];
  readonly headers: Record<string, string>;
  readonly extensions: Record<string, unknown>;

  constructor(options: RefusalOptions) {
    super(options.detail ?? options.title, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Refusal';
    this.code = options.code;
    this.status = options.status;
    this.title = options.title;
    this.detail = options.detail;
    this.errors = options.errors ?? [];
    this.headers = options.headers ?? {};
    this.extensions = options.extensions ?? {};
    if (options.status >= 500) withStack(this);
  }
}

interface Definition {
  status: number;
  title: string;
}

type Overrides = Omit<Partial<RefusalOptions>, 'code' | 'status'>;

/**
 * Declares a room's error codes as functions that make the refusal: `errors.user_not_found()`.
 * The function's name is the code.
 */
export const defineErrors = <Codes extends Record<string, Definition>>(definitions: Codes) => {
  const entries = Object.entries(definitions).map(([code, definition]) => [
    code,
    (overrides: Overrides = {}) => new Refusal({ code, ...definition, ...overrides }),
  ]);
  return Object.fromEntries(entries) as { [Code in keyof Codes]: (overrides?: Overrides) => Refusal };
};

/** Refusals every room shares. */
export const errors = defineErrors({
  invalid_request: { status: 400, title: 'The request is not valid' },
  unauthenticated: { status: 401, title: 'A valid access token is required' },
  insufficient_user_authentication: { status: 401, title: 'A newer or stronger sign-in is required' },
  insufficient_scope: { status: 403, title: 'The access token lacks a scope' },
  permission_required: { status: 403, title: 'A permission is required' },
  csrf_refused: { status: 403, title: 'The request did not come from our own page' },
  not_found: { status: 404, title: 'Not found' },
  method_not_allowed: { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'The current state forbids this' },
  idempotency_in_progress: { status: 409, title: 'The first request with this Idempotency-Key is still being answered' },
  idempotency_key_reused: { status: 422, title: 'The Idempotency-Key belongs to another request' },
  precondition_failed: { status: 412, title: 'The object has changed since it was read' },
  payload_too_large: { status: 413, title: 'The request body is too large' },
  unsupported_media_type: { status: 415, title: 'The media type is not supported here' },
  misdirected_request: { status: 421, title: 'This host is not served here' },
  precondition_required: { status: 428, title: 'If-Match is required' },
  too_many_requests: { status: 429, title: 'Too many requests' },
  headers_too_large: { status: 431, title: 'A header is too long' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Temporarily unavailable' },
});
