/** What `castellan doctor` found out, and what mends it. */
export interface Finding {
  check: string;
  state: 'ok' | 'warning' | 'failed';
  message: string;
  remedy?: string;
}

export const ok = (check: string, message: string): Finding => ({ check, state: 'ok', message });
export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  state: 'warning',
  message,
  remedy,
});
export const failed = (check: string, message: string, remedy: string): Finding => ({ check, state: 'failed', message, remedy });

/** No check may end the command or hang it. */
export const guarded = async (check: string, work: () => Promise<Finding[]>): Promise<Finding[]> => {
  const limitMs = 10_000;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding[]>((resolve) => {
    timer = setTimeout(() => resolve([failed(check, 'no answer within 10 s', 'Look at the network in between')]), limitMs);
  });
  try {
    return await Promise.race([work(), late]);
  } catch (error) {
    return [failed(check, error instanceof Error ? error.message : 'failed', 'See the message')];
  } finally {
    clearTimeout(timer);
  }
};
