/**
 * Owns: login sessions as people see them (FEATURES A10): device, place, last use, ending one or all others. The provider's session
 * is the session; this room's row stands beside it and, once ended, ends every token that was given out under it.
 */
import type { AdminRoutes } from '../platform/http/index.ts';
import type { AuditBuffer, Guard } from '../platform/ports.ts';
import { mountSessionRoutes } from './devices/routes.ts';
import { createDevices, type SessionDeps, type SessionEndings } from './devices/service.ts';

export type { Ending, SessionDeps, SessionEndings } from './devices/service.ts';

export const createSessions = (deps: SessionDeps) => {
  const devices = createDevices(deps);
  return {
    /** What the provider tells of starts and ends, inside its transactions. */
    recorder: devices.recorder,
    count: devices.count,
    mount: (admin: AdminRoutes, doors: { endings: SessionEndings; guard: Guard; audit: AuditBuffer }): void =>
      mountSessionRoutes(admin, { devices, ...doors }),
  };
};

export type Sessions = ReturnType<typeof createSessions>;
