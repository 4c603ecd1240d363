/** Root hooks of every mocha worker. Rooms add nothing here; suites open and close what they use. */
export const mochaHooks = {};
