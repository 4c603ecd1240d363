import type { AdminShell } from '../shell/page.ts';
import type { Finding, Watch } from './watches.ts';

/** Is anything wrong? What the person may see of it, failures first (LOOK.md, dashboard). */
export const mountOverview = (shell: AdminShell, watches: readonly Watch[]): void =>
  shell.home('/admin', async (admin) => {
    const found: Finding[] = [];
    for (const { permission, everywhere, look } of watches) {
      const caller = await admin.reach(permission, everywhere);
      if (caller) found.push(...(await look(caller)));
    }
    const wrong = found.filter(({ kind }) => kind !== 'success');
    wrong.sort((one, other) => Number(other.kind === 'danger') - Number(one.kind === 'danger'));
    admin.show('overview', { wrong, well: found.filter(({ kind }) => kind === 'success') });
  });
