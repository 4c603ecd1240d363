import type { PageContext } from '../../platform/http/index.ts';

/** What a browser answered to a passkey question, as the page's script posted it. `undefined`: nothing, or no JSON object. */
export const postedPasskey = (posted: string | undefined): Record<string, unknown> | undefined => {
  if (posted === undefined || posted === '') return undefined;
  try {
    const value: unknown = JSON.parse(posted);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
};

/** Options for the page's script. */
export const sendJson = ({ ctx }: PageContext, value: unknown): void => {
  ctx.type = 'application/json';
  ctx.body = JSON.stringify(value);
};
