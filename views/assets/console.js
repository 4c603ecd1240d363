/** Conveniences of the consoles; every page works without. Ids can be copied, all rows be chosen at once, and arrow keys lead from row to row. */
for (const button of document.querySelectorAll('[data-copy]')) {
  const { words } = button.dataset;
  button.textContent = words;
  button.hidden = !navigator.clipboard;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = button.dataset.copied;
    setTimeout(() => {
      button.textContent = words;
    }, 2000);
  });
}

for (const all of document.querySelectorAll('[data-all]')) {
  const boxes = [...all.form.querySelectorAll('tbody input[type="checkbox"]')];
  const count = all.form.querySelector('[data-count]');
  const tell = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    all.checked = chosen > 0 && chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
    count.textContent = chosen === 0 ? '' : count.dataset.count.replace('#', chosen);
  };
  all.hidden = false;
  all.addEventListener('change', () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  for (const box of boxes) box.addEventListener('change', tell);
  // Coming back, the browser has kept what was chosen.
  addEventListener('pageshow', tell);
}

const steps = { ArrowDown: 1, ArrowUp: -1 };
for (const table of document.querySelectorAll('.table')) {
  table.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    const row = event.target.closest('tbody tr');
    if (!step || !row || event.target.matches('select, textarea')) return;
    const next = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    const column = [...row.children].indexOf(event.target.closest('td'));
    const target = next?.children[column]?.querySelector('a, input') ?? next?.querySelector('a');
    if (!target) return;
    event.preventDefault();
    target.focus();
  });
}
