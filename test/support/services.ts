import { connect } from 'node:net';

/** Where the suites that need a real PostgreSQL or Redis find one (CONTRACT.md, `npm test`). */
export const postgresUrl = process.env.TEST_DATABASE_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres';
export const redisUrl = process.env.TEST_REDIS_URL ?? 'redis://127.0.0.1:6379';

const answers = (url: string, defaultPort: number): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: port === '' ? defaultPort : Number(port), timeout: 1000 });
    const finish = (result: boolean): void => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => finish(true));
    socket.on('error', () => finish(false));
    socket.on('timeout', () => finish(false));
  });

export const postgresAnswers = await answers(postgresUrl, 5432);
export const redisAnswers = await answers(redisUrl, 6379);

/**
 * `describe` that needs services: without them the suite is reported as skipped with its reason, and with `CI=true`
 * its absence is a failure.
 */
export const describeWith = (needs: ('postgres' | 'redis')[], title: string, suite: (this: Mocha.Suite) => void): void => {
  const missing = needs.filter((need) => !(need === 'postgres' ? postgresAnswers : redisAnswers));
  if (missing.length === 0) {
    describe(title, suite);
    return;
  }
  const reason = `${missing.join(' and ')} not there`;
  describe(title, () => {
    it(`needs ${missing.join(' and ')}`, function needsServices() {
      if (process.env.CI === 'true') throw new Error(reason);
      console.error(`skipped: ${title} (${reason})`);
      this.skip();
    });
  });
};
