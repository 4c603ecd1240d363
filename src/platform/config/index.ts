/**
 * Owns: the one typed configuration, read from the environment and `.env`, checked whole before anything opens (FEATURES O5).
 */
export { configFromProcess, type LoadOptions, loadConfig } from './load.ts';
export { type Networks, parseNetworks } from './networks.ts';
export { closedFamilies, type Setting, settings } from './schema.ts';
export { type Config, ConfigError, type RateLimits, type SocialProvider } from './types.ts';
