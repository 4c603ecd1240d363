import { errors } from '../errors/index.ts';
import type { Principal } from '../ports.ts';

/** The account of the person who calls. @throws not_found for a machine, which has none */
export const personOf = ({ type, id }: Principal): string => {
  if (type !== 'user') throw errors.not_found();
  return id;
};
