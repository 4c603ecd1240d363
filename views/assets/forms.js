/** Conveniences of forms; every page works without. A password can be shown, and a form that is under way is not sent twice. */
for (const button of document.querySelectorAll('[data-reveal]')) {
  const input = document.getElementById(button.dataset.reveal);
  button.hidden = false;
  button.setAttribute('aria-pressed', 'false');
  button.addEventListener('click', () => {
    const isShown = input.type === 'text';
    input.type = isShown ? 'password' : 'text';
    button.textContent = isShown ? button.dataset.show : button.dataset.hide;
    button.setAttribute('aria-pressed', String(!isShown));
    input.focus();
  });
  input.form.addEventListener('submit', () => {
    // Password managers and the browser's own memory know the field by its type.
    input.type = 'password';
  });
}

for (const form of document.querySelectorAll('form[method="post"]')) {
  let isUnderWay = false;
  form.addEventListener('submit', (event) => {
    if (isUnderWay) event.preventDefault();
    isUnderWay = true;
  });
  // Coming back by the browser's memory of pages, the form is fresh again.
  addEventListener('pageshow', () => {
    isUnderWay = false;
  });
}
