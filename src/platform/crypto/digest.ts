import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256 as base64url: how every bearer value is named in the database (DESIGN.md, decision 7). */
export const sha256 = (value: string): string => hash('sha256', value, 'base64url');

/** A random value of the URL-safe alphabet (INTEROP.md: `+ / = %` break clients). @param bytes entropy in bytes, 16 or more */
export const randomSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** Compares two strings without telling by time where they differ; that their lengths do is no secret. */
export const constantTimeEqual = (a: string, b: string): boolean => {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
};
