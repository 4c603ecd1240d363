import { expect } from 'chai';
import { loadExpectations, surprises } from '../../conformance/expected.ts';
import { runEntry, signInOnce } from '../../conformance/own/engine.ts';
import type { Outcome } from '../../conformance/own/outcome.ts';
import { isOfTheFew, ownEntries } from '../../conformance/own/plans.ts';
import type { Target } from '../../conformance/own/run.ts';
import { type RunningTarget, startTarget } from '../../conformance/target.ts';

/** Runs our expression of the plans against a listening server; what comes out must be what `conformance/expected` says. */
export const describePlans = (title: string, isMeant: (plan: string) => boolean): void => {
  describe(title, function plans() {
    this.timeout(600_000);
    let running: RunningTarget;
    let target: Target;
    before(async () => {
      running = await startTarget();
      target = await signInOnce(running);
    });
    after(() => running.close());

    const entries = ownEntries([]).filter((entry) => isMeant(entry.plan) && isOfTheFew(entry.variant));
    for (const plan of new Set(entries.map((entry) => entry.plan))) {
      const own = entries.filter((entry) => entry.plan === plan);
      it(`${plan}: ${own.length} modules end as expected`, async () => {
        const outcomes: Outcome[] = [];
        for (const entry of own) outcomes.push(await runEntry(target, entry));
        expect(surprises(outcomes, loadExpectations(plan, 'own'))).to.deep.equal([]);
      });
    }
  });
};
