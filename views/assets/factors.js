/** Conveniences around keys and recovery codes: copy, download, print. Every page works without. */
const textOf = (id) => {
  const element = document.getElementById(id);
  const items = [...element.querySelectorAll('li')].map((item) => item.textContent.trim());
  return items.length > 0 ? `${items.join('\n')}\n` : element.textContent.replace(/\s/g, '');
};

for (const element of document.querySelectorAll('[data-needs-script], [data-copy]')) element.hidden = false;

for (const button of document.querySelectorAll('[data-copy]')) {
  const words = button.textContent;
  button.setAttribute('aria-live', 'polite');
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(textOf(button.dataset.copy));
    button.textContent = button.dataset.done;
    setTimeout(() => {
      button.textContent = words;
    }, 3000);
  });
}

for (const button of document.querySelectorAll('[data-download]')) {
  button.addEventListener('click', () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([textOf(button.dataset.download)], { type: 'text/plain' }));
    link.download = button.dataset.file;
    link.click();
    URL.revokeObjectURL(link.href);
  });
}

for (const button of document.querySelectorAll('[data-print]')) button.addEventListener('click', () => print());
