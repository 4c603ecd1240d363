import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** SHA-256 as base64url: how every bearer value is named in the database (DESIGN.md, decision 7). */
export const sha256 = (value: string): string => hash('sha256', value, 'base64url');

/** A random value of the URL-safe alphabet (INTEROP.md: `+ / = %` break clients). @param bytes entropy in bytes, 16 or more */
export const randomSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** Compares two strings without telling by time where they differ. */
export const constantTimeEqual = (a: string, b: string): boolean =>
  timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'));
