/**
 * Owns: login sessions as people see them (FEATURES A10): device, place, last use, ending one or all others. The provider's session
 * is the session; this room's row stands beside it and, once ended, ends every token that was given out under it.
 */
import type { AdminRoutes } from '../platform/http/index.ts';
import type { AuditBuffer, Guard } from '../platform/ports.ts';
import { type BindingMode, createBinding } from './binding/service.ts';
import { mountSessionRoutes } from './devices/routes.ts';
import { createDevices, type SessionDeps, type SessionEndings } from './devices/service.ts';

export { familyOf } from './devices/device.ts';
export type { SessionRow } from './devices/repository.ts';
export type { Ending, SessionDeps, SessionEndings } from './devices/service.ts';

/** PW-11: what a browser holds once somebody has signed in there. It tells nothing and signs nobody in. */
export const deviceCookie = 'castellan_device';

/** @param binding what is done about a session in another browser */
export const createSessions = (deps: SessionDeps, binding: { mode: BindingMode; mismatched(response: string): void }) => {
  const devices = createDevices(deps);
  const { places, clock, buffer } = deps;
  return {
    /** What the provider tells of starts and ends, inside its transactions. */
    recorder: devices.recorder,
    /** Whether a session is used where it began (SE-10). */
    binding: createBinding({ places, clock, audit: buffer, ...binding }),
    /** For the account's pages. */
    devices: { list: devices.list, find: devices.find, uidsOf: devices.uidsOf },
    count: devices.count,
    mount: (admin: AdminRoutes, doors: { endings: SessionEndings; guard: Guard; audit: AuditBuffer }): void =>
      mountSessionRoutes(admin, { devices, ...doors }),
  };
};

export type Sessions = ReturnType<typeof createSessions>;
