import { expect } from 'chai';
import type { Engine } from '../support/database.ts';
import { createMortal, type Mortal } from '../support/mortal.ts';
import { describeWith } from '../support/services.ts';
import { killedFlows, type Stage, stage } from './kill-flows.ts';
import { anySeed, sample, seeded, wordsOf } from './kill-walk.ts';

const flowsPerRun = 2;

/** Some flows, each killed at one statement, others from run to run; all of them, everywhere: `npm run faults -- F-11`. */
const suite = (engine: Engine): void => {
  let mortal: Mortal;
  let staged: Stage;

  before(async () => {
    staged = await stage();
    mortal = await createMortal({ engine, ...staged.options });
    expect(await mortal.start(), 'a first start').to.deep.equal([]);
  });
  after(async () => {
    await mortal?.close();
    await staged?.close();
  });

  it('F-11 a flow killed at any statement leaves nothing half and can be repeated', async () => {
    const seed = anySeed();
    const random = seeded(seed);
    const flows = killedFlows(mortal, staged);
    while (flows.length > flowsPerRun) flows.splice(Math.floor(random() * flows.length), 1);
    for (const flow of flows) {
      for await (const result of sample(mortal, flow, 1, random)) {
        expect(result.problems, `${wordsOf(result)} (seed ${seed})`).to.deep.equal([]);
      }
    }
    expect(mortal.errors()).to.not.match(/unhandled|uncaught/i);
  });
};

describe('F-11 killed between two statements, embedded database', function kills() {
  this.timeout(120_000);
  suite('embedded');
});
describeWith(['postgres'], 'F-11 killed between two statements, PostgreSQL', function kills() {
  this.timeout(120_000);
  suite('postgres');
});
