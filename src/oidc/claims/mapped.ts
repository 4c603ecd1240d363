import type { Provider } from 'oidc-provider';

/**
 * Claims under names of an administrator's choice (`claims_mapping`), which no scope has: the library lets through only the names of
 * its configuration, which is the same for all clients. They travel beside the others, under a symbol.
 */
export const mappedClaims: unique symbol = Symbol('mapped claims');

type Available = Record<string, unknown> & { [mappedClaims]?: Record<string, unknown> };

interface ClaimsClass {
  prototype: { result(this: { available: Available }): Promise<Record<string, unknown>> };
}

export const keepMappedClaims = (provider: Provider): void => {
  const { prototype } = (provider as unknown as { Claims: ClaimsClass }).Claims;
  const { result } = prototype;
  prototype.result = async function withMapped() {
    return { ...(await result.call(this)), ...this.available[mappedClaims] };
  };
};
