/**
 * The modules that wait (a code reused after 30 seconds, an expired request) move the process's clock instead: the core reads
 * `Date` itself and knows no injected clock. Time only ever goes forward, so nothing issued before lies in the future.
 */
export interface MovableTime {
  advance(seconds: number): void;
  restore(): void;
}

export const installMovableTime = (): MovableTime => {
  const RealDate = globalThis.Date;
  const offset = { ms: 0 };
  const now = (): number => RealDate.now() + offset.ms;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, values, newTarget) => Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget),
    get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  });
  return {
    advance: (seconds) => {
      offset.ms += seconds * 1000;
    },
    restore: () => {
      globalThis.Date = RealDate;
    },
  };
};
