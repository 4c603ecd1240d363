import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { findRunningServer } from '../../src/cli/operator/channel.ts';
import { loadConfig } from '../../src/platform/config/index.ts';

describe('O12 the operator channel', () => {
  it('takes an answer of any length from the running server', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'castellan-channel-'));
    const entries = Array.from({ length: 9999 }, (_, index) => ({
      id: String(index),
      topic: 'mail',
      lastError: 'x'.repeat(200),
    }));
    const server = createServer((_request, response) => void response.end(JSON.stringify(entries)));
    await new Promise<void>((resolve) => server.listen(join(dataDir, 'operator.sock'), resolve));
    try {
      const operate = await findRunningServer(loadConfig({ env: { DATA_DIR: dataDir }, cwd: dataDir }));
      expect(await operate?.('outbox.list', { limit: 9999 })).to.have.length(entries.length);
    } finally {
      server.close();
      server.closeAllConnections();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
