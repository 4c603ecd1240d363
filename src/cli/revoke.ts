import { type Command, flag, text } from './command.ts';
import { withOperator } from './operator/index.ts';
import { printJson, printTable } from './terminal.ts';

export const revokeAll: Command = {
  name: 'revoke-all',
  summary: 'end every session and token issued before now; everybody signs in again',
  options: {
    organization: { type: 'string', value: 'ID', description: 'only of this organization’s people and clients' },
    reason: { type: 'string', value: 'TEXT', description: 'kept in the audit log' },
    json: { type: 'boolean', description: 'as JSON' },
  },
  notes: [
    'Every replica refuses from its next request on: sessions, codes, access and refresh tokens. Consents stay.',
    'Keys stay as well: where one leaked, castellan keys retire KID --compromised.',
  ],
  run: async (input) => {
    const wish = { organizationId: text(input, 'organization'), reason: text(input, 'reason') };
    const done = await withOperator((operate) => operate('revoke.all', wish));
    if (flag(input, 'json')) printJson(done);
    else printTable([done], ['scope', 'organizationId', 'revokedBefore']);
    return undefined;
  },
};
