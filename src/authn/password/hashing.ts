import { createHash } from 'node:crypto';
import { compare, hash } from '@node-rs/bcrypt';

/** A2: cost 12, off the event loop; hashed first, so that bytes beyond bcrypt's 72 count and none ends the password. */
const cost = 12;
/** PW-09: more than this waiting is refused. */
const maxWaiting = 64;

const prepared = (password: string): string => createHash('sha384').update(password.normalize('NFKC')).digest('base64');

export class HashingBusy extends Error {
  override readonly name = 'HashingBusy';
}

export const createHasher = () => {
  let waiting = 0;
  const bounded = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (waiting >= maxWaiting) throw new HashingBusy('too many passwords wait');
    waiting += 1;
    try {
      return await work();
    } finally {
      waiting -= 1;
    }
  };
  const nobody = hash(prepared('nobody'), cost);
  return {
    hash: (password: string): Promise<string> => bounded(() => hash(prepared(password), cost)),
    /** @param stored absent for an unknown account: takes the same time and is false */
    verify: (password: string, stored: string | undefined): Promise<boolean> =>
      bounded(async () => (await compare(prepared(password), stored ?? (await nobody))) && stored !== undefined),
  };
};

export type Hasher = ReturnType<typeof createHasher>;
