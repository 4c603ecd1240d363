interface Step {
  id: string;
  depth: number;
}

/** What nests by `parent_id`: groups and organizations. Both walks begin with the row itself. */
export interface Tree {
  above(id: string): Promise<Step[]>;
  below(id: string): Promise<Step[]>;
}

/** As roles inherit; what people hold is looked for ten steps up. */
export const maxDepth = 10;

const deepest = (steps: readonly Step[]): number => steps.reduce((most, { depth }) => Math.max(most, depth), 0);

/** Whether the row may stand below the other. */
export const placeIn = async (tree: Tree, id: string, parentId: string): Promise<'fits' | 'circle' | 'too_deep'> => {
  const above = await tree.above(parentId);
  if (above.some((one) => one.id === id)) return 'circle';
  return deepest(above) + 2 + deepest(await tree.below(id)) > maxDepth ? 'too_deep' : 'fits';
};
