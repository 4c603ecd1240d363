/** Proof of work before a password is checked: a counter so that SHA-256(challenge:counter) begins with so many zero bits. */
const primes = [];
for (let candidate = 2; primes.length < 64; candidate += 1)
  if (primes.every((prime) => candidate % prime)) primes.push(candidate);
const fraction = (value) => ((value % 1) * 2 ** 32) | 0;
const start = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
const turn = (word, by) => (word >>> by) | (word << (32 - by));
const words = new Int32Array(64);

/** FIPS 180-4 §6.2, one block after another. @returns the first 32 bits */
const firstWord = (text) => {
  const bytes = new TextEncoder().encode(text);
  const padded = new Uint8Array(((bytes.length + 72) >> 6) << 6);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const state = Int32Array.from(start);
  for (let offset = 0; offset < padded.length; offset += 64) {
    for (let index = 0; index < 16; index += 1) words[index] = view.getInt32(offset + index * 4);
    for (let index = 16; index < 64; index += 1) {
      const [early, late] = [words[index - 15], words[index - 2]];
      const one = turn(early, 7) ^ turn(early, 18) ^ (early >>> 3);
      const two = turn(late, 17) ^ turn(late, 19) ^ (late >>> 10);
      words[index] = (words[index - 16] + one + words[index - 7] + two) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let index = 0; index < 64; index += 1) {
      const choice = (e & f) ^ (~e & g);
      const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + choice + constants[index] + words[index]) | 0;
      const two = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] + word) | 0;
  }
  return state[0] >>> 0;
};

const pause = () => new Promise((resolve) => setTimeout(resolve));

const solve = async (challenge, bits) => {
  for (let counter = 0; ; counter += 1) {
    if (firstWord(`${challenge}:${counter}`) >>> (32 - bits) === 0) return `${challenge}:${counter}`;
    // The page stays alive meanwhile.
    if (counter % 5000 === 4999) await pause();
  }
};

for (const input of document.querySelectorAll('input[data-work]')) {
  const { form } = input;
  for (const other of form.querySelectorAll('[data-work-alternative]')) other.hidden = true;
  // Begun at once: by the time a password is typed it is mostly done, and the form goes as any other.
  const solved = solve(input.dataset.work, Number(input.dataset.bits)).then((solution) => {
    input.value = solution;
  });
  let isWaiting = false;
  form.addEventListener(
    'submit',
    async (event) => {
      if (input.value !== '') return;
      event.preventDefault();
      event.stopImmediatePropagation();
      // The work counts once: a form sent twice would bring it twice.
      if (isWaiting) return;
      isWaiting = true;
      const { submitter } = event;
      await solved;
      // Not within this event, where a form is not submitted again (HTML, "firing submission events").
      form.requestSubmit(submitter);
    },
    { capture: true },
  );
}
