/** Documents that are made from the code (`npm run docs`); a test makes them again and fails on a difference. */
import { configurationReference, environmentExample } from './configuration.ts';
import { errorReference } from './errors.ts';
import { securityReference } from './security.ts';

/** @param path from the root of the repository */
export interface Document {
  path: string;
  content: string;
}

export const documents = async (): Promise<Document[]> => [
  { path: 'docs/operators/configuration.md', content: configurationReference() },
  { path: '.env.example', content: environmentExample() },
  { path: 'docs/errors.md', content: await errorReference() },
  { path: 'docs/security.md', content: await securityReference() },
];
