/**
 * Joins work of requests that are in flight together into one statement (PERFORMANCE.md, rows 2-5): what comes in one turn of the
 * event loop leaves at its end, so that a lone request never waits and many share a write to the socket.
 * An item joins only work that has not left yet: a read never rides on a statement that started before a revocation.
 * @param run answers the items in order
 */
export const createBatcher = <Item, Result>(
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
  { maxInFlight, maxItems }: { maxInFlight: number; maxItems: number },
): ((item: Item) => Promise<Result>) => {
  interface Waiting {
    item: Item;
    resolve: (result: Result) => void;
    reject: (error: unknown) => void;
  }
  let waiting: Waiting[] = [];
  let inFlight = 0;
  let isScheduled = false;

  const leave = async (): Promise<void> => {
    const batch = waiting.slice(0, maxItems);
    waiting = waiting.slice(maxItems);
    inFlight += 1;
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      inFlight -= 1;
      schedule();
    }
  };

  const schedule = (): void => {
    if (isScheduled || waiting.length === 0 || inFlight >= maxInFlight) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      void leave();
      schedule();
    });
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
};
