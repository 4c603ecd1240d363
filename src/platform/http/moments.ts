const shape = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * RFC 3339 §5.6, of moments that both JavaScript and the database know: no leap second, no 31 February (which `Date` takes for
 * 2 March), no year before 1 or after 9999.
 */
export const isMoment = (text: string): boolean => {
  const day = shape.exec(text)?.[1];
  if (day === undefined) return false;
  const year = new Date(text).getUTCFullYear();
  return year >= 1 && year <= 9999 && new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
};
