import { expect } from 'chai';
import { createSupervisor, type Worker } from '../../src/supervisor.ts';

/** A supervisor whose processes and pauses are the test's. */
const watched = () => {
  const said: string[] = [];
  const pauses: number[] = [];
  const codes: number[] = [];
  const supervisor = createSupervisor({
    start: () => undefined,
    later: (milliseconds) => void pauses.push(milliseconds),
    giveUp: (code) => void codes.push(code),
    say: (line) => void said.push(line),
  });
  const worker = (livedSeconds = 0): Worker => ({ started: performance.now() - livedSeconds * 1000, isServing: false });
  const serving = (livedSeconds = 0): Worker => {
    const one = worker(livedSeconds);
    supervisor.ready(one);
    return one;
  };
  return { ...supervisor, worker, serving, said, pauses, codes };
};

describe('F-14 O9 a worker that dies', () => {
  it('is replaced at once when it had served for a minute', () => {
    const { serving, ended, pauses, said } = watched();
    ended(serving(61), 'SIGKILL');
    expect(pauses).to.deep.equal([0]);
    expect(said).to.deep.equal(['a worker ended (SIGKILL); another one starts now']);
  });

  it('is replaced after a pause that doubles up to half a minute, as long as another one serves', () => {
    const { serving, ended, worker, pauses, codes, said } = watched();
    serving();
    for (let death = 0; death < 9; death += 1) ended(worker(), 1);
    expect(pauses).to.deep.equal([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
    expect(codes).to.deep.equal([]);
    expect(said[0]).to.equal('a worker ended (1); another one starts in 0.5 s');
    ended(serving(61), 1);
    expect(pauses.at(-1), 'forgotten').to.equal(0);
  });

  it('ends everything with its code once none serves and five starts in a row have failed', () => {
    const { serving, ended, worker, codes } = watched();
    ended(serving(61), 'SIGKILL');
    for (let start = 0; start < 4; start += 1) ended(worker(), 2);
    expect(codes).to.deep.equal([]);
    ended(worker(), 2);
    expect(codes).to.deep.equal([2]);
  });

  it('ends everything when no first one can start; by a signal that is 1', () => {
    for (const [how, code] of [
      [2, 2],
      ['SIGSEGV', 1],
    ] as const) {
      const { ended, worker, codes, pauses } = watched();
      ended(worker(), how);
      expect([codes, pauses]).to.deep.equal([[code], []]);
    }
  });
});
