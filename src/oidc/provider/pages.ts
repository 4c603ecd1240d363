import type { Context } from 'koa';
import type { DeviceInfo } from '../ports.ts';
import type { ClientView } from '../surface.ts';

/** Pages of protocol endpoints, rendered by `interactions`. Each must set status and body of `ctx`. */
export interface ProtocolPages {
  /** An error that must not redirect: unknown client, bad redirect URI, broken session. */
  error(
    ctx: Context,
    problem: { status: number; error: string; description?: string | undefined; client?: ClientView | undefined },
  ): void | Promise<void>;
  /** Form posts `xsrf` and `user_code` to `action`. */
  deviceInput(
    ctx: Context,
    form: { action: string; xsrf: string; userCode?: string | undefined; problem?: DeviceProblem | undefined },
  ): void | Promise<void>;
  /** Form posts `xsrf`, `user_code` and `decision` (`allow` or `deny`) to `action`. */
  deviceConfirm(
    ctx: Context,
    form: { action: string; xsrf: string; userCode: string; client: ClientView; device: DeviceInfo },
  ): void | Promise<void>;
  deviceDone(ctx: Context, client: ClientView): void | Promise<void>;
  /** Form posts `xsrf` and, with the button `logout` = `yes`, ends the session; without it only the client's. */
  logout(
    ctx: Context,
    form: {
      action: string;
      xsrf: string;
      client?: ClientView | undefined;
      /** Where the person goes afterwards: the form's redirects end there. */
      redirectUri?: string | undefined;
      /** Who is signed in. */
      accountId?: string | undefined;
    },
  ): void | Promise<void>;
  /** Loads every frame (Front-Channel Logout 1.0 §3), then leads on to `continueTo`. */
  logoutFrames(ctx: Context, page: { frames: readonly string[]; continueTo: string }): void | Promise<void>;
  loggedOut(ctx: Context, client?: ClientView): void | Promise<void>;
}

export type DeviceProblem = 'missing' | 'unknown' | 'expired' | 'used' | 'denied' | 'failed';
