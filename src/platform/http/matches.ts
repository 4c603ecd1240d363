import type { HttpRouter } from './context.ts';

const hasParameters = /[:(*{?+[]/;

/**
 * The router tries the pattern of every route for each request, a few hundred of them; a path without parameters matches the same
 * ones each time. Only paths of routes are remembered, never what a caller made up.
 */
export const rememberMatches = (router: HttpRouter): void => {
  const fixed = new Set(
    router.stack.map(({ path }) => path).filter((path) => typeof path === 'string' && !hasParameters.test(path)),
  );
  const known = new Map<string, ReturnType<HttpRouter['match']>>();
  const match = router.match.bind(router);
  router.match = (path, method) => {
    if (!fixed.has(path)) return match(path, method);
    const key = `${method} ${path}`;
    const found = known.get(key) ?? match(path, method);
    known.set(key, found);
    // A nested router would add to the list.
    return { ...found, path: [...found.path] };
  };
};
