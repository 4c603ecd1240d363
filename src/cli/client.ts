import { type Command, flag, text, texts } from './command.ts';
import { limitOf, limitOption } from './limit.ts';
import { withOperator } from './operator/index.ts';
import { print, printJson, printTable, say } from './terminal.ts';

export const clientCreate: Command = {
  name: 'client create',
  summary: 'register an application; its secret is printed this once',
  positionals: ['name'],
  options: {
    'redirect-uri': { type: 'string', multiple: true, value: 'URI', description: 'where people come back to; may be repeated' },
    'post-logout-redirect-uri': {
      type: 'string',
      multiple: true,
      value: 'URI',
      description: 'where they come after signing out',
    },
    id: { type: 'string', value: 'ID', description: 'client id; made where absent' },
    public: { type: 'boolean', description: 'an application that can keep no secret: single page, mobile, command line' },
    grant: {
      type: 'string',
      multiple: true,
      value: 'TYPE',
      description: 'grant types; authorization_code and refresh_token where absent',
    },
    json: { type: 'boolean', description: 'all of the registration, as JSON' },
  },
  notes: ['For a service without people: castellan client create "Nightly job" --grant client_credentials'],
  run: async (input) => {
    const grants = texts(input, 'grant');
    const redirects = texts(input, 'redirect-uri');
    const afterLogout = texts(input, 'post-logout-redirect-uri');
    const id = text(input, 'id');
    const grantTypes = grants.length > 0 ? grants : ['authorization_code', 'refresh_token'];
    const metadata = {
      ...(id === undefined ? {} : { client_id: id }),
      client_name: input.positionals[0],
      redirect_uris: redirects,
      grant_types: grantTypes,
      ...(grantTypes.includes('authorization_code') ? {} : { response_types: [] }),
      ...(afterLogout.length > 0 ? { post_logout_redirect_uris: afterLogout } : {}),
      ...(flag(input, 'public') ? { token_endpoint_auth_method: 'none' } : {}),
    };
    const client = await withOperator((operate) => operate('client.create', { metadata }));
    if (flag(input, 'json')) {
      printJson(client);
      return undefined;
    }
    print(`client_id      ${client.client_id}`);
    if (client.client_secret !== undefined) {
      print(`client_secret  ${client.client_secret}`);
      say('The secret is shown only now.');
    }
    return undefined;
  },
};

export const clientList: Command = {
  name: 'client list',
  summary: 'list applications',
  options: { ...limitOption, json: { type: 'boolean', description: 'as JSON' } },
  run: async (input) => {
    const clients = await withOperator((operate) => operate('client.list', { limit: limitOf(input) }));
    if (flag(input, 'json')) printJson(clients);
    else printTable(clients, ['clientId', 'name', 'source', 'authentication', 'disabledAt']);
    return undefined;
  },
};
