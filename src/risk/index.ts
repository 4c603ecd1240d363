/**
 * Owns: how risky a sign-in is, and why (FEATURES S1, A9 "by risk"). It says; `authn` decides what follows by its rules.
 * Answers to: NIST SP 800-63B-4 §3.2.4 (risk is never the only reason for a lasting refusal: a factor always leads past it).
 */
export type { RiskLevel } from './signin/factors.ts';
export { createHistoryRepository } from './signin/repository.ts';
export { createSignInRisk, type RiskResponse, type SignInAttempt, type SignInRisk } from './signin/service.ts';
