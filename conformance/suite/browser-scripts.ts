/** What the suite's script-driven browser does on our pages, by the field names of CONTRACT.md, "Hosted pages". */
export type Command = readonly (string | number)[];

interface Task {
  task: string;
  match: string;
  optional?: boolean;
  commands?: readonly Command[];
}

export interface Script {
  match: string;
  'match-limit'?: number;
  tasks: readonly Task[];
}

const authorization = '{ISSUER}/authorize*';
const endSession = '{ISSUER}/logout*';

const headline = (text: string, action: 'update-image-placeholder' | 'update-image-placeholder-optional'): Command => [
  'wait',
  'xpath',
  '//h1',
  10,
  text,
  action,
];

const signIn = (before: readonly Command[] = []): Task => ({
  task: 'Sign in',
  match: '{ISSUER}/interaction/*',
  optional: true,
  commands: [
    ...before,
    ['text', 'name', 'login', '{LOGIN}', 'optional'],
    ['text', 'name', 'password', '{PASSWORD}', 'optional'],
    ['click', 'css', 'form[method=post] button[type=submit]:not([name])', 'optional'],
  ],
});

const consent: Task = {
  task: 'Consent',
  match: '{ISSUER}/interaction/*',
  optional: true,
  commands: [['click', 'css', 'button[name=decision][value=allow]', 'optional']],
};

const arrive: Task = {
  task: 'Back at the client',
  match: '*/test/*/callback*',
  commands: [['wait', 'id', 'submission_complete', 10]],
};

/** Sign-in, consent, and the suite's own page at the end. */
const pass: Script = { match: authorization, tasks: [signIn(), consent, arrive] };

/**
 * FAPI's negative modules take a redirect with an error or a page of ours, and open a placeholder for the page: whichever comes is
 * right.
 */
const passOrPage: Script = {
  match: authorization,
  tasks: [
    signIn(),
    consent,
    {
      task: 'Error page',
      match: authorization,
      optional: true,
      commands: [headline('.', 'update-image-placeholder-optional')],
    },
    // The address of our page may hold the client's, so this is for both.
    { ...arrive, optional: true, commands: [['wait', 'xpath', '//*[@id="submission_complete"] | //main', 10]] },
  ],
};

/** The suite's own page with the provider's frame in it, which leads on by itself when the frame has answered. */
const sessionCheck: Script = {
  match: '*session_verify',
  tasks: [{ task: 'Compare the session', match: '*', commands: [['wait', 'match', '.*session_result.*', 20]] }],
};

/** Sign-in with a picture of the page where the module waits for one. */
const passSeen: Script = {
  match: authorization,
  tasks: [signIn([headline('Sign in', 'update-image-placeholder-optional')]), consent, arrive],
};

const refusedLogout = (text: string): Script => ({
  match: endSession,
  tasks: [{ task: 'Error page', match: endSession, commands: [headline(text, 'update-image-placeholder')] }],
});

const confirmLogout: Task = {
  task: 'Confirm',
  match: endSession,
  optional: true,
  commands: [['click', 'css', 'button[name=logout][value=yes]', 'optional']],
};

const logout: Script = {
  match: endSession,
  tasks: [confirmLogout, { task: 'Back at the client', match: '*', commands: [['wait', 'match', '.*/test/.*/post.*', 20]] }],
};

const finishedLogout: Script = {
  match: endSession,
  tasks: [
    confirmLogout,
    { task: 'Signed out', match: '*', commands: [headline('You are signed out', 'update-image-placeholder')] },
  ],
};

const errorPage: Script = {
  match: authorization,
  tasks: [
    {
      task: 'Error page',
      match: '{ISSUER}/*',
      commands: [headline('wrong return address|made a mistake', 'update-image-placeholder')],
    },
  ],
};

const onlyLook: Script = {
  match: authorization,
  tasks: [{ task: 'Sign-in page', match: '{ISSUER}/interaction/*', commands: [headline('Sign in', 'update-image-placeholder')] }],
};

/** The first time a module opens the address nobody signs in. */
const lookOnce: Script = {
  match: authorization,
  'match-limit': 1,
  tasks: [{ task: 'Look only', match: '{ISSUER}/*' }],
};

/** On the first page: in a plan with static clients the person has agreed before, and is not asked again. */
const reject: Script = {
  match: authorization,
  tasks: [
    { task: 'Cancel', match: '{ISSUER}/interaction/*', commands: [['click', 'css', 'button[name=cancel][value=yes]']] },
    arrive,
  ],
};

/** What the pages of a plan are driven by where a module wants nothing else. */
export const scriptsOf = (plan: string): readonly Script[] => {
  if (plan.startsWith('fapi')) return [passOrPage];
  return plan.includes('session-management') ? [pass, logout, sessionCheck] : [pass, logout];
};

const scripts = (...entries: Script[]): { browser: readonly Script[] } => ({ browser: entries });

/** Modules that need another script than the default, as the suite's `override` takes them. */
export const overrides: Readonly<Record<string, { browser: readonly Script[] }>> = {
  'oidcc-prompt-login': scripts(passSeen),
  'oidcc-max-age-1': scripts(passSeen),
  'oidcc-ensure-registered-redirect-uri': scripts(errorPage),
  'oidcc-ensure-redirect-uri-in-authorization-request': scripts(errorPage),
  'oidcc-redirect-uri-query-added': scripts(errorPage),
  'oidcc-redirect-uri-query-mismatch': scripts(errorPage),
  'oidcc-registration-logo-uri': scripts(onlyLook),
  'oidcc-registration-policy-uri': scripts(onlyLook),
  'oidcc-registration-tos-uri': scripts(onlyLook),
  'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': scripts(pass, refusedLogout('wrong return address')),
  'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': scripts(pass, refusedLogout('wrong return address')),
  'oidcc-rp-initiated-logout-modified-id-token-hint': scripts(pass, refusedLogout('made a mistake')),
  // The suite's own hint is for us as audience, and no such application is registered.
  'oidcc-rp-initiated-logout-bad-id-token-hint': scripts(pass, refusedLogout('made a mistake|do not know this application')),
  'oidcc-rp-initiated-logout-no-id-token-hint': scripts(pass, refusedLogout('made a mistake')),
  'oidcc-rp-initiated-logout-no-params': scripts(pass, finishedLogout),
  'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': scripts(pass, finishedLogout),
  'oidcc-rp-initiated-logout-only-state': scripts(pass, finishedLogout),
  'fapi1-advanced-final-user-rejects-authentication': scripts(reject),
  'fapi2-security-profile-final-user-rejects-authentication': scripts(reject),
  'fapi1-advanced-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': scripts(lookOnce, passOrPage),
  'fapi2-security-profile-final-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': scripts(lookOnce, passOrPage),
};
