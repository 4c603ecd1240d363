export const urlOf = (address: unknown): URL | undefined =>
  typeof address === 'string' && URL.canParse(address) ? new URL(address) : undefined;

/** RU-01: an address of the registration becomes a link only when it is a web address. */
export const webAddress = (address: string | undefined): string | undefined => {
  const url = urlOf(address);
  return url !== undefined && /^https?:$/.test(url.protocol) ? url.href : undefined;
};
