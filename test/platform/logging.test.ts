import { Writable } from 'node:stream';
import { expect } from 'chai';
import { createLogger } from '../../src/platform/logging/index.ts';

describe('O3 the log', () => {
  const lines: string[] = [];
  const sink = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      lines.push(chunk.toString());
      done();
    },
  });
  const log = createLogger('info', sink);
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown>;

  it('holds no credential, at whatever depth somebody hands one to it', () => {
    const secret = 'hush-hush';
    class Request {
      headers = { authorization: secret, cookie: secret, accept: 'text/html' };
    }
    const body = { password: secret, nested: { deeper: { refresh_token: secret, list: [{ code: secret }, 'kept'] } } };
    log.info({ body, request: new Request(), 'set-cookie': secret, client_secret: secret }, 'all of it');
    log.error({ err: Object.assign(new Error('failed'), { config: { access_token: secret } }) }, 'in an error');
    for (const line of lines) expect(line).to.not.include(secret);
    expect(lines[0]).to.include('text/html').and.include('kept').and.include('[redacted]');
    expect(body.password).to.equal(secret);
  });

  it('says what failed and where', () => {
    log.error({ err: new TypeError('of that kind') }, 'request failed');
    const { err, level } = last() as { err: { type: string; message: string; stack: string }; level: string };
    expect(level).to.equal('error');
    expect(err).to.include({ type: 'TypeError', message: 'of that kind' });
    expect(err.stack).to.include('logging.test.ts');
    log.error({ err: Object.assign(new Error('no answer'), { code: 'ECONNREFUSED' }) }, 'away');
    expect(last().err).to.include({ message: 'no answer', code: 'ECONNREFUSED' });
  });
});
