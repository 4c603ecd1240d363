/** Passkeys: asks the browser what the server wants to know and posts the answer with the page's own form. */
const { browserSupportsWebAuthn, browserSupportsWebAuthnAutofill, startAuthentication, startRegistration } =
  globalThis.SimpleWebAuthnBrowser ?? {};

const optionsAt = async (address) => {
  const response = await fetch(address, { headers: { accept: 'application/json' } });
  if (!response.ok) throw new Error(String(response.status));
  return response.json();
};

const setUp = (form, field, ask) => {
  const button = form.querySelector('[data-passkey-button]');
  const problem = form.querySelector('[data-passkey-error]');
  const send = (answer) => {
    form.elements[field].value = JSON.stringify(answer);
    form.submit();
  };
  button.hidden = false;
  button.addEventListener('click', async () => {
    problem.hidden = true;
    try {
      send(await ask());
    } catch {
      problem.hidden = false;
    }
  });
  return send;
};

const setUpSignIn = async (form) => {
  const ask = async (useBrowserAutofill) =>
    startAuthentication({ optionsJSON: await optionsAt(form.dataset.passkey), useBrowserAutofill });
  const send = setUp(form, 'assertion', () => ask(false));
  // Offered among the saved names of the first field; whoever types a password never notices.
  if ('autofill' in form.dataset && (await browserSupportsWebAuthnAutofill())) await ask(true).then(send, () => undefined);
};

const setUpRegistration = (form) =>
  setUp(form, 'registration', async () => startRegistration({ optionsJSON: await optionsAt(form.dataset.register) }));

if (browserSupportsWebAuthn?.()) {
  for (const form of document.querySelectorAll('form[data-passkey]')) setUpSignIn(form);
  for (const form of document.querySelectorAll('form[data-register]')) setUpRegistration(form);
}
