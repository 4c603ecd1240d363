import { type Command, flag, text, texts } from './command.ts';
import { limitOf, limitOption } from './limit.ts';
import { withOperator } from './operator/index.ts';
import { choosePassword, passwordOptions, print, printJson, printTable, readLine, say } from './terminal.ts';

export const userCreate: Command = {
  name: 'user create',
  summary: 'create an account',
  positionals: ['email'],
  options: {
    name: { type: 'string', value: 'NAME', description: 'what the person is called' },
    role: {
      type: 'string',
      multiple: true,
      value: 'ROLE',
      description: 'a role everywhere, such as SUPER_ADMIN; may be repeated',
    },
    verified: { type: 'boolean', description: 'the address is known to be theirs' },
    ...passwordOptions,
    'hash-stdin': {
      type: 'boolean',
      description:
        'read what another system stored of the password (bcrypt, argon2, scrypt, PBKDF2, {SSHA}…) from standard input',
    },
  },
  notes: ['Without one of the last three the password is asked for at the terminal. It is never an argument.'],
  run: async (input) => {
    const [email = ''] = input.positionals;
    const secret = flag(input, 'hash-stdin') ? { hash: await readLine() } : await choosePassword(input);
    const wish = {
      email,
      name: text(input, 'name'),
      secret,
      emailVerified: flag(input, 'verified'),
      roles: texts(input, 'role'),
    };
    const { id } = await withOperator((operate) => operate('user.create', wish));
    print(id);
    if ('password' in secret && secret.isGenerated) say(`password, shown only now: ${secret.password}`);
    return undefined;
  },
};

export const userPassword: Command = {
  name: 'user password',
  summary: 'give an account another password and end its sessions',
  positionals: ['email'],
  options: passwordOptions,
  run: async (input) => {
    const [login = ''] = input.positionals;
    const { password, isGenerated } = await choosePassword(input);
    await withOperator((operate) => operate('user.password', { login, password }));
    say('the password is changed, and all sessions have ended');
    if (isGenerated) say(`password, shown only now: ${password}`);
    return undefined;
  },
};

export const userList: Command = {
  name: 'user list',
  summary: 'list accounts, newest first',
  positionals: ['[search]'],
  options: { ...limitOption, json: { type: 'boolean', description: 'as JSON' } },
  notes: ['Search looks for a part of an address or user name.'],
  run: async (input) => {
    const wish = { search: input.positionals[0], limit: limitOf(input) };
    const users = await withOperator((operate) => operate('user.list', wish));
    if (flag(input, 'json')) printJson(users);
    else printTable(users, ['id', 'email', 'name', 'status', 'createdAt']);
    return undefined;
  },
};
