const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** Lines of a Markdown table. */
export const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string[] => [
  `| ${heads.join(' | ')} |`,
  `| ${heads.map(() => '---').join(' | ')} |`,
  ...rows.map((row) => `| ${row.map(cell).join(' | ')} |`),
];
