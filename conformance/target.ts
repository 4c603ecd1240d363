import type { Target } from './own/run.ts';

export const startTarget = async (
  _options: { suite?: string } = {},
): Promise<Target & { close(): Promise<void>; placeholders: Record<string, unknown> }> => {
  throw new Error('no target');
};
